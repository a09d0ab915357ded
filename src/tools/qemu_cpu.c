// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which processor a guest gets. Ours are NAME=on and NAME=off, which come before the user's +NAME
 * and -NAME whatever their order.
 */
#define _GNU_SOURCE /* strchrnul */
#include "tools/qemu_cpu.h"

#include <string.h>

#include "lib/bits.h"

/*
 * `host` would take vendor, family and more from the host's CPUID, and the software's processor
 * is Intel's everywhere. Without the errors of those that lack these bits of
 * IA32_ARCH_CAPABILITIES, Linux spares the guest their mitigations. With the paravirtual features
 * that QEMU leaves to `host`, its processors wait for each other without taking time from each other.
 */
#define SOFT_MODEL  "Skylake-Client-v4"
#define SOFT_VENDOR ",vendor=GenuineIntel"
#define SOFT_FEATURES                                                                    \
	",arch-capabilities=on,rdctl-no=on,ibrs-all=on,skip-l1dfl-vmentry=on,ssb-no=on," \
	"mds-no=on,pschange-mc-no=on,taa-no=on,"                                         \
	"kvm-pv-unhalt=on,kvm-pv-tlb-flush=on,kvm-pv-ipi=on,kvm-pv-sched-yield=on,kvm-asyncpf=off"
/* Named models have nothing of SGX. */
#define SGX_FEATURES                                                                 \
	",sgx=on,sgxlc=on,sgx1=on,sgx2=on,sgx-exinfo=on,sgx-debug=on,sgx-mode64=on," \
	"sgx-provisionkey=on,sgx-tokenkey=on,sgx-kss=on"

/* Names of the series and of Linux that QEMU does not take. */
static const struct {
	const char *old;
	const char *now;
} names[] = {
	{"sgx_lc", "sgxlc"},
	{"sgx-lc", "sgxlc"},
	{"sgx_debug", "sgx-debug"},
	{"sgx_mode64", "sgx-mode64"},
	{"sgx_provisionkey", "sgx-provisionkey"},
	{"sgx_tokenkey", "sgx-tokenkey"},
	{"sgx_kss", "sgx-kss"},
	{"sgx_exinfo", "sgx-exinfo"},
};

static bool is_word(const char *text, size_t length, const char *word)
{
	return strlen(word) == length && !memcmp(text, word, length);
}

/* One feature with its sign or value. */
static void write_feature(FILE *out, const char *text, size_t length)
{
	size_t sign = *text == '+' || *text == '-';
	const char *equals = memchr(text, '=', length);
	size_t end = equals ? (size_t)(equals - text) : length;

	fputc(',', out);
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		if (!is_word(text + sign, end - sign, names[i].old))
			continue;
		fprintf(out, "%.*s%s%.*s", (int)sign, text, names[i].now, (int)(length - end),
			text + end);
		return;
	}
	fprintf(out, "%.*s", (int)length, text);
}

void qemu_cpu_write(FILE *out, const struct qemu_host *host, const char *text, bool sgx)
{
	const char *model = text ? text : host->hardware ? "host" : SOFT_MODEL;
	size_t length = (size_t)(strchrnul(model, ',') - model);
	bool is_host = is_word(model, length, "host") || is_word(model, length, "max");

	if (host->hardware)
		fprintf(out, "%.*s", (int)length, model);
	else
		fprintf(out, "%.*s" SOFT_VENDOR SOFT_FEATURES, is_host ? 100 : (int)length,
			is_host ? SOFT_MODEL : model);
	if (sgx && !(host->hardware && is_host))
		fputs(SGX_FEATURES, out);
	if (!host->hardware)
		fputs(host->lacks, out);
	while (text && model[length]) {
		const char *feature = model + length + 1;

		length = (size_t)(strchrnul(feature, ',') - model);
		write_feature(out, feature, (size_t)(model + length - feature));
	}
}
