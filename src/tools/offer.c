// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/offer.h"

#include "kvm/cpu_features.h"
#include "lib/bits.h"

/* After lib/x86.h, whose names for vectors are macros here. */
#include <linux/kvm.h>
#include <asm/kvm_para.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* What QEMU's models or its KVM ask for, and has no name in /proc/cpuinfo that a user would take away. */
static const struct {
	const char *name;
	uint32_t leaf;
	enum cpuid_reg reg;
	unsigned int bit;
} defaults[] = {
	{"vme", 1, CPUID_EDX, 1},
	{"kvm-asyncpf", KVM_CPUID_FEATURES, CPUID_EAX, KVM_FEATURE_ASYNC_PF},
	{"kvm-steal-time", KVM_CPUID_FEATURES, CPUID_EAX, KVM_FEATURE_STEAL_TIME},
	{"kvm-pv-eoi", KVM_CPUID_FEATURES, CPUID_EAX, KVM_FEATURE_PV_EOI},
};
_Static_assert(CPU_FEATURE_COUNT + ARRAY_SIZE(defaults) <= 64, "a set is one word");

static uint32_t register_of(const struct kvm_cpuid_entry2 *e, enum cpuid_reg reg)
{
	const uint32_t regs[CPUID_NR_REGS] = {e->eax, e->ebx, e->ecx, e->edx};

	return regs[reg];
}

static bool has(const struct kvm_cpuid2 *table, uint32_t leaf, uint32_t subleaf, enum cpuid_reg reg,
		unsigned int bit)
{
	for (unsigned int i = 0; i < table->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &table->entries[i];

		if (e->function == leaf && e->index == subleaf)
			return register_of(e, reg) & BIT32(bit);
	}
	return false;
}

static uint64_t features_of(const struct kvm_cpuid2 *table)
{
	uint64_t features = 0;

	for (unsigned int i = 0; i < CPU_FEATURE_COUNT; i++) {
		const struct cpu_feature_row *row = &cpu_feature_rows[i];

		if (has(table, row->leaf, row->subleaf, row->reg, row->bit))
			features |= BIT64(i);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(defaults); i++)
		if (has(table, defaults[i].leaf, 0, defaults[i].reg, defaults[i].bit))
			features |= BIT64(CPU_FEATURE_COUNT + i);
	return features;
}

static int ask(const struct door *door, struct kvm_cpuid2 *table, char *error, size_t size)
{
	/* The user wants to hear of COMMAND's devices. */
	const char *set = getenv("EXCLAVE_LOG");
	char *log = set ? strdup(set) : NULL;
	int ret = 0, kvm;

	unsetenv("EXCLAVE_LOG");
	kvm = door->open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0 || door->ioctl(kvm, KVM_GET_SUPPORTED_CPUID, table)) {
		ret = -errno;
		snprintf(error, size, "the library's /dev/kvm: %s; `exclave doctor` says more",
			 strerror(errno));
	}
	if (kvm >= 0)
		door->close(kvm);
	if (log)
		setenv("EXCLAVE_LOG", log, 1);
	free(log);
	return ret;
}

int offer_read(uint64_t *features, char *error, size_t size)
{
	struct kvm_cpuid2 *table;
	struct door door;
	int ret = door_software(&door, error, size);

	if (ret)
		return ret;
	table = calloc(1, sizeof(*table) + CPUID_MAX_ENTRIES * sizeof(table->entries[0]));
	if (!table) {
		snprintf(error, size, "out of memory");
		return -ENOMEM;
	}
	table->nent = CPUID_MAX_ENTRIES;
	ret = ask(&door, table, error, size);
	if (!ret)
		*features = features_of(table);
	free(table);
	return ret;
}

/* QEMU has dashes where Linux has underscores, and one name of its own. */
void offer_write_lacks(uint64_t features, FILE *out)
{
	for (unsigned int i = 0; i < CPU_FEATURE_COUNT; i++) {
		if (features & BIT64(i))
			continue;
		if (i == CPU_FEATURE_sgx_lc) {
			fputs(",sgxlc=off", out);
			continue;
		}
		fputc(',', out);
		for (const char *c = cpu_feature_rows[i].name; *c; c++)
			fputc(*c == '_' ? '-' : *c, out);
		fputs("=off", out);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(defaults); i++)
		if (!(features & BIT64(CPU_FEATURE_COUNT + i)))
			fprintf(out, ",%s=off", defaults[i].name);
}
