# SPDX-License-Identifier: GPL-2.0-or-later
# exclave(1) on a processor below x86-64-v3: it says so, and starts nothing.
said=$(/exclave/exclave run -- /bin/busybox echo started 2>&1)
equal refused_status $? 125
case $said in
"exclave: the processor is below x86-64-v3"*"lacks"*"use a machine"*) pass refused ;;
*) fail refused "$said" ;;
esac
