# SPDX-License-Identifier: GPL-2.0-or-later
# A C compiler and perl: much code that is made and run once, indirect jumps, and code that
# a process writes for itself (tcc -run).
check perl perl /data/program.pl
equal perl_result "$(tail -n 1 /tmp/check.out)" "$perl_expected"

options="-nostdinc -nostdlib"
check tcc_compiles tcc $options -static -o /tmp/primes /data/primes.c
check primes_compiled /tmp/primes
equal primes_result "$(cat /tmp/check.out)" 78498
check tcc_runs tcc $options -run /data/primes.c
equal tcc_result "$(cat /tmp/check.out)" 78498
