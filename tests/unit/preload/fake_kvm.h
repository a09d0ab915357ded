/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests that the KVM of the door's tests answers on every object, beside a few of KVM's own. */
#ifndef EXCLAVE_TESTS_UNIT_PRELOAD_FAKE_KVM_H
#define EXCLAVE_TESTS_UNIT_PRELOAD_FAKE_KVM_H

#include <linux/kvm.h>

#define FAKE_LIVE         _IO(KVMIO, 0xf0) /* the number of objects */
#define FAKE_FAIL         _IO(KVMIO, 0xf1) /* fails with the argument as its errno */
#define FAKE_KIND_OF      _IO(KVMIO, 0xf2) /* kind behind descriptor arg, or ENOENT */
#define FAKE_KIND         _IO(KVMIO, 0xf3) /* the object's own kind */
#define FAKE_LINGER       _IO(KVMIO, 0xf4) /* stays inside for arg microseconds */
#define FAKE_IS_PROVISION _IO(KVMIO, 0xf6) /* is descriptor arg an open /dev/sgx_provision? */
#define FAKE_READ_BACK    _IOWR(KVMIO, 0xf5, unsigned int) /* has bit 31 set; adds 1 */
#define FAKE_CPUID_SHOWN  _IO(KVMIO, 0xf7) /* does the calling thread see the model's CPUID? */

#define FAKE_RUN_SIZE 12288

#endif
