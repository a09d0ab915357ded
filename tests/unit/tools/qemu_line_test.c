// SPDX-License-Identifier: GPL-2.0-or-later
/* QEMU's command lines, before and after. A row's lines are words with one blank between them. */
#include "tests.h"

#include "lib/bits.h"
#include "tools/qemu_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 40

#define PARAVIRTUAL \
	"kvm-pv-unhalt=on,kvm-pv-tlb-flush=on,kvm-pv-ipi=on,kvm-pv-sched-yield=on,kvm-asyncpf=off"
#define SOFT                                                                                  \
	"Skylake-Client-v4,vendor=GenuineIntel,arch-capabilities=on,rdctl-no=on,ibrs-all=on," \
	"skip-l1dfl-vmentry=on,ssb-no=on,mds-no=on,pschange-mc-no=on,taa-no=on," PARAVIRTUAL
#define NAMED(model)                                                               \
	model ",vendor=GenuineIntel,arch-capabilities=on,rdctl-no=on,ibrs-all=on," \
	      "skip-l1dfl-vmentry=on,ssb-no=on,mds-no=on,pschange-mc-no=on,taa-no=on," PARAVIRTUAL
#define SGX                                                                          \
	",sgx=on,sgxlc=on,sgx1=on,sgx2=on,sgx-exinfo=on,sgx-debug=on,sgx-mode64=on," \
	"sgx-provisionkey=on,sgx-tokenkey=on,sgx-kss=on"
#define LACKS ",adx=off"

struct row {
	bool hardware;
	const char *before;
	const char *after;
};

static const struct row rows[] = {
	/* The series' own example. */
	{false,
	 "-smp 4 -m 2G -drive file=IMAGE,if=virtio -cpu host,+sgx_provisionkey "
	 "-sgx-epc id=epc1,memdev=mem1 -object memory-backend-epc,id=mem1,size=64M,prealloc",
	 "-accel kvm -machine q35 -smp 4 -m 2G -drive file=IMAGE,if=virtio -cpu " SOFT SGX LACKS
	 ",+sgx-provisionkey -object memory-backend-epc,id=mem1,size=64M,prealloc=on "
	 "-machine sgx-epc.0.node=0,sgx-epc.0.memdev=mem1"},
	{true,
	 "-smp 4 -m 2G -drive file=IMAGE,if=virtio -cpu host,+sgx_provisionkey "
	 "-sgx-epc id=epc1,memdev=mem1 -object memory-backend-epc,id=mem1,size=64M,prealloc",
	 "-accel kvm -machine q35 -smp 4 -m 2G -drive file=IMAGE,if=virtio -cpu host,+sgx-provisionkey "
	 "-object memory-backend-epc,id=mem1,size=64M,prealloc=on "
	 "-machine sgx-epc.0.node=0,sgx-epc.0.memdev=mem1"},
	/* Two sections, and a node. */
	{false, "--sgx-epc id=a,memdev=m1 -sgx-epc memdev=m2,node=1,id=b",
	 "-accel kvm -machine q35 -cpu " SOFT SGX LACKS
	 " -machine sgx-epc.0.node=0,sgx-epc.0.memdev=m1,sgx-epc.1.memdev=m2,sgx-epc.1.node=1"},
	/* Beside one in today's spelling. */
	{false, "-M q35,sgx-epc.0.memdev=m0,sgx-epc.0.node=0 -sgx-epc memdev=m1",
	 "-accel kvm -cpu " SOFT SGX LACKS " -M q35,sgx-epc.0.memdev=m0,sgx-epc.0.node=0 "
	 "-machine sgx-epc.1.node=0,sgx-epc.1.memdev=m1"},
	/* Processors. */
	{false, "", "-accel kvm -machine q35 -cpu " SOFT LACKS},
	{true, "", "-accel kvm -machine q35 -cpu host"},
	{false, "-cpu max,-avx2", "-accel kvm -machine q35 -cpu " SOFT LACKS ",-avx2"},
	{false, "-cpu Haswell-noTSX,sgx_debug=off,-sgx_lc,+sgx2",
	 "-accel kvm -machine q35 -cpu " NAMED("Haswell-noTSX") LACKS
	 ",sgx-debug=off,-sgxlc,+sgx2"},
	{true, "-cpu Skylake-Client,+sgx_tokenkey -sgx-epc memdev=m",
	 "-accel kvm -machine q35 -cpu Skylake-Client" SGX ",+sgx-tokenkey "
	 "-machine sgx-epc.0.node=0,sgx-epc.0.memdev=m"},
	/* What the user has chosen stays. */
	{false, "-enable-kvm -cpu host", "-machine q35 -enable-kvm -cpu " SOFT LACKS},
	{false, "-machine pc,accel=kvm", "-cpu " SOFT LACKS " -machine pc,accel=kvm"},
	{false, "-machine accel=kvm", "-machine q35 -cpu " SOFT LACKS " -machine accel=kvm"},
	{false, "-M type=pc", "-accel kvm -cpu " SOFT LACKS " -M type=pc"},
	{false, "-accel tcg -cpu max,+sgx_lc", "-machine q35 -accel tcg -cpu max,+sgx_lc"},
	{false, "-M pc,accel=tcg", "-M pc,accel=tcg"},
	{false, "-accel kvm,kernel-irqchip=split",
	 "-machine q35 -cpu " SOFT LACKS " -accel kvm,kernel-irqchip=split"},
	/* Backends. */
	{false, "-object memory-backend-epc,id=m,size=1M,prealloc=off,share",
	 "-accel kvm -machine q35 -cpu " SOFT LACKS
	 " -object memory-backend-epc,id=m,size=1M,prealloc=off,share=on"},
	{false, "-object memory-backend-ram,id=m,size=1M,prealloc",
	 "-accel kvm -machine q35 -cpu " SOFT LACKS
	 " -object memory-backend-ram,id=m,size=1M,prealloc"},
	/* A guest's words are not QEMU's. */
	{false, "-append -sgx-epc x -name -cpu",
	 "-accel kvm -machine q35 -cpu " SOFT LACKS " -append -sgx-epc x -name -cpu"},
	{false, "disk.img -sgx-epc",
	 "-accel kvm -machine q35 -cpu " SOFT LACKS " disk.img -sgx-epc"},
};

static int split(char *text, char *words[MAX_WORDS])
{
	int count = 0;

	for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		words[count++] = word;
	return count;
}

static bool rewrite(const struct row *row, struct qemu_line *line)
{
	const struct qemu_host host = {.hardware = row->hardware, .lacks = LACKS};
	char *before = strdup(row->before), *words[MAX_WORDS];
	bool done;

	assert_non_null(before);
	done = qemu_line_rewrite(&host, "qemu", split(before, words), words, line);
	free(before);
	return done;
}

static void lines_become_todays(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char joined[4096] = "";
		struct qemu_line line;
		size_t used = 0;

		assert_true(rewrite(&rows[i], &line));
		assert_string_equal(line.argv[0], "qemu");
		assert_null(line.argv[line.argc]);
		for (int j = 1; j < line.argc && used < sizeof(joined); j++)
			used += (size_t)snprintf(joined + used, sizeof(joined) - used, "%s%s",
						 j > 1 ? " " : "", line.argv[j]);
		assert_string_equal(joined, rows[i].after);
		qemu_line_free(&line);
	}
}

/* What has become today's is that already. */
static void line_twice_is_line_once(void **state)
{
	const struct row first = {true, "-smp 2 -sgx-epc id=a,memdev=m -cpu host,+sgx_lc", NULL};
	const struct qemu_host host = {.hardware = true, .lacks = ""};
	struct qemu_line once, twice;

	(void)state;
	assert_true(rewrite(&first, &once));
	assert_true(qemu_line_rewrite(&host, "qemu", once.argc - 1, once.argv + 1, &twice));
	assert_int_equal(once.argc, twice.argc);
	for (int i = 0; i < once.argc; i++)
		assert_string_equal(once.argv[i], twice.argv[i]);
	qemu_line_free(&once);
	qemu_line_free(&twice);
}

static void epc_is_counted(void **state)
{
	static const struct {
		struct row row;
		uint64_t size;
		bool reserved;
	} cases[] = {
		{{false, "", NULL}, 0, false},
		{{false, "-object memory-backend-epc,id=m,size=64M,prealloc", NULL},
		 64 << 20,
		 true},
		{{false, "-object memory-backend-epc,id=m,size=1G,prealloc=off", NULL},
		 1 << 30,
		 false},
		{{false,
		  "-object memory-backend-epc,size=1M -object memory-backend-epc,size=2M,prealloc=on",
		  NULL},
		 3 << 20,
		 true},
		{{false, "-object memory-backend-ram,size=1M,prealloc=on", NULL}, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct qemu_line line;

		assert_true(rewrite(&cases[i].row, &line));
		assert_int_equal(line.epc_size, cases[i].size);
		assert_int_equal(line.epc_reserved, cases[i].reserved);
		qemu_line_free(&line);
	}
}

const struct CMUnitTest qemu_line_tests[] = {
	cmocka_unit_test(lines_become_todays),
	cmocka_unit_test(line_twice_is_line_once),
	cmocka_unit_test(epc_is_counted),
};
const size_t qemu_line_test_count = ARRAY_SIZE(qemu_line_tests);
