# SPDX-License-Identifier: GPL-2.0-or-later
# The machine that came up: its processors, its disk, its network.
equal processors "$(nproc)" "$processors"
equal login "$(id -un) $(cat /proc/self/loginuid)" 'root 0'
equal system_state "$(systemctl is-system-running --wait)" running
equal firmware "$([ -d /sys/firmware/efi ] && echo uefi || echo bios)" "$firmware"
case $(readlink -f "/sys/class/block/$(basename "$(findmnt -n -o SOURCE /)")") in
*/virtio*/host*) driver=virtio-scsi ;;
*/virtio*) driver=virtio-blk ;;
*/ata*) driver=ahci ;;
*) driver=unknown ;;
esac
equal root_disk "$driver" "$root_driver"
equal network_driver "$(basename "$(readlink -f /sys/class/net/e*/device/driver)")" "$network_driver"
# The file comes over the network and goes to the disk and back.
try=0
until ip -4 -o address show scope global | grep -q inet || [ $((try += 1)) -gt 60 ]; do sleep 1; done
check fetch python3 -c "
import urllib.request
open('/root/fetched', 'wb').write(urllib.request.urlopen('http://10.0.2.2:$port/', timeout=60).read())"
sync
echo 3 >/proc/sys/vm/drop_caches
equal fetched "$(sha256sum </root/fetched | cut -d' ' -f1)" "$file_sha256"
check send python3 -c "
import urllib.request
urllib.request.urlopen('http://10.0.2.2:$port/', open('/root/fetched', 'rb').read(), timeout=60)"
