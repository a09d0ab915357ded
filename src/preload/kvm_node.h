/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /dev/kvm: KVM's objects as files. */
#ifndef EXCLAVE_PRELOAD_KVM_NODE_H
#define EXCLAVE_PRELOAD_KVM_NODE_H

struct node;

int kvm_node_open(const struct node *node, int flags);

#endif
