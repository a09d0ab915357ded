# SPDX-License-Identifier: GPL-2.0-or-later
# What people do with a system: build, install, repair a file system, run a just-in-time compiler.
build_program() {
	sh ./generate_program.sh 1000 >/root/program.c
	[ "$(wc -l </root/program.c)" -ge 1000 ] && gcc -O2 -Wall -Werror -o /root/program /root/program.c
}
check gcc_builds build_program
equal gcc_result "$(/root/program)" "$(sh ./generate_program.sh 1000 result)"
build_objects() {
	mkdir -p /root/objects
	for i in $(seq 8); do sh ./generate_program.sh 200 >"/root/objects/p$i.c"; done
	printf 'all: $(patsubst %%.c,%%,$(wildcard *.c))\n' >/root/objects/Makefile
	make -s -C /root/objects -j"$(nproc)" CFLAGS=-O1
}
check make_builds build_objects
equal make_result "$(for i in $(seq 8); do "/root/objects/p$i"; done | sort -u)" "$(sh ./generate_program.sh 200 result)"

# apt and dpkg, without a network: a package of our own, in and out again.
make_package() {
	mkdir -p /root/package/DEBIAN /root/package/usr/share/exclave-test
	echo works >/root/package/usr/share/exclave-test/file
	printf 'Package: exclave-test\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: test\nDepends: libc6\n' \
		>/root/package/DEBIAN/control
	dpkg-deb -b /root/package /root/exclave-test_1_all.deb
}
check package_built make_package
check apt_check apt-get -q check
check apt_install env DEBIAN_FRONTEND=noninteractive apt-get -q -y install /root/exclave-test_1_all.deb
equal apt_installed "$(cat /usr/share/exclave-test/file)" works
check apt_purge env DEBIAN_FRONTEND=noninteractive apt-get -q -y purge exclave-test
check apt_gone test ! -e /usr/share/exclave-test
equal dpkg_verify "$(dpkg --verify libc6 bash coreutils systemd gcc-12 2>&1 | grep -v /usr/share/)" ''

# A second file system, made on the host; e2fsck looks at it before and after work.
check fsck_before e2fsck -f -n "$(disk second)"
check second_mounted mount "$(disk second)" /mnt
check second_copied cp -a /usr/include /mnt/include
equal second_same "$(cd /usr/include && find . -type f -exec sha256sum {} + | sort | sha256sum)" \
	"$(cd /mnt/include && find . -type f -exec sha256sum {} + | sort | sha256sum)"
rm -rf /mnt/include/linux
check second_unmounted umount /mnt
check fsck_after e2fsck -f -n "$(disk second)"

# Trace compiler and interpreter must agree; the first writes code all the time.
equal luajit "$(luajit jit.lua)" "$(luajit -joff jit.lua)"
