#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs one bare guest under QEMU's own translator.
#
#   tcg.sh QEMU ROM
set -u
"$1" -accel tcg -cpu max -M pc -m 64 -bios "$2" -net none -monitor none -serial none \
	-debugcon stdio -display none -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=4
status=$?
# 33: what 0x10 at the port becomes. QEMU itself ends with 0 after a triple fault.
[ "$status" -eq 33 ]
