// SPDX-License-Identifier: GPL-2.0-or-later
#include "preload/sgx_node.h"

#include <errno.h>

#include "host/provision.h"
#include "host/vepc.h"
#include "kvm/kvm.h"
#include "preload/table.h"

/* Linux: drivers without llseek. */
static long file_lseek(void *object, off_t offset, int whence)
{
	return -ESPIPE;
}

/*
 * Who wants to know whether KVM has SGX opens the device and executes CPUID (QEMU's
 * query-sgx-capabilities); who wants EPC opens it and maps it. Faulting CPUID costs at each
 * switch of threads, and kills threads that block SIGSEGV, so it is on between opening and
 * mapping or closing, for this thread. What it opened last, never looked into:
 */
static __thread const struct vepc *asked_about __attribute__((tls_model("initial-exec")));

static void answer_cpuid(const struct vepc *vepc)
{
	asked_about = vepc;
	kvm_cpuid_show_sgx();
}

static void stop_answering(const struct vepc *vepc)
{
	if (vepc != asked_about)
		return;
	asked_about = NULL;
	kvm_cpuid_hide_sgx();
}

static long vepc_file_ioctl(void *object, unsigned long request, unsigned long arg)
{
	return vepc_ioctl(object, request, arg);
}

static int vepc_file_mmap(void *object, int access_mode, const struct file_mmap *request,
			  void **mapped)
{
	stop_answering(object);
	return vepc_mmap(object, access_mode, request->addr, request->len, request->prot,
			 request->flags, request->off, mapped);
}

static void vepc_file_release(void *object)
{
	stop_answering(object);
	vepc_put(object);
}

static const struct file_ops vepc_file_ops = {
	.ioctl = vepc_file_ioctl,
	.mmap = vepc_file_mmap,
	.lseek = file_lseek,
	.release = vepc_file_release,
};

int vepc_node_open(const struct node *node, int flags)
{
	struct vepc *vepc = vepc_new();
	int fd;

	if (!vepc)
		return -ENOMEM;
	fd = file_open("exclave:sgx_vepc", node, flags, &vepc_file_ops, vepc);
	if (fd < 0)
		vepc_put(vepc);
	else
		answer_cpuid(vepc);
	return fd;
}

static long provision_file_ioctl(void *object, unsigned long request, unsigned long arg)
{
	return -ENOTTY;
}

static int provision_file_mmap(void *object, int access_mode, const struct file_mmap *request,
			       void **mapped)
{
	return -ENODEV;
}

static void provision_file_release(void *object)
{
}

static const struct file_ops provision_file_ops = {
	.ioctl = provision_file_ioctl,
	.mmap = provision_file_mmap,
	.lseek = file_lseek,
	.release = provision_file_release,
};

int provision_node_open(const struct node *node, int flags)
{
	int ret = provision_open(flags);

	return ret ? ret
		   : file_open("exclave:sgx_provision", node, flags, &provision_file_ops, NULL);
}

int provision_node_access(int mode)
{
	return provision_access(mode);
}

/* A child's inherited descriptor is as good: what counts is that it could be opened. */
bool provision_node_is_at(int fd)
{
	struct file *file = table_lookup(fd);
	bool is_provision = file && file->ops == &provision_file_ops;

	if (file)
		file_put(file);
	return is_provision;
}
