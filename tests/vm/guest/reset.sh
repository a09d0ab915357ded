# SPDX-License-Identifier: GPL-2.0-or-later
# A disk counts the boots; each ends in another way of resetting the machine.
boot=$(head -c 1 /dev/vda)
mark boot "$boot"
again() {
	printf %s $((boot + 1)) | dd of=/dev/vda conv=notrunc,fsync 2>/dev/null
	sync
	echo "$1" >/sys/kernel/reboot/type
	reboot -f
	sleep 60
	fail "reboot_$1" "the machine is still up"
}
case $boot in
0) again acpi ;;
1) again kbd ;;
2) again triple ;;
esac
pass resets "$boot"
