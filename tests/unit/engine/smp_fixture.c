// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "smp_fixture.h"

#include "lib/mem.h"

#include <string.h>

#define BYTES (CODE_PAGES * PAGE_SIZE)

uint8_t *smp_page(struct smp *p, unsigned int page)
{
	return p->area + page * PAGE_SIZE;
}

/* Like the first vCPU but for the registers that say where it is. */
void smp_prepare(struct smp *p, unsigned int n, unsigned int page)
{
	struct engine_vcpu *v = p->v[n];
	struct cpu *cpu = &v->cpu;

	if (n) {
		cpu->state = p->v[0]->cpu.state;
		cpu->cr3 = p->v[0]->cpu.cr3;
		cpu->gdtr = p->v[0]->cpu.gdtr;
		cpu->idtr = p->v[0]->cpu.idtr;
		cpu->tr = p->v[0]->cpu.tr;
	}
	cpu->state.cpl = 0;
	cpu->state.seg[X86_SEG_CS].selector = MACHINE_KERNEL_CS;
	cpu->state.seg[X86_SEG_CS].dpl = 0;
	cpu->state.seg[X86_SEG_SS].selector = MACHINE_KERNEL_DS;
	cpu->state.seg[X86_SEG_SS].dpl = 0;
	cpu->state.rip = CODE + page * PAGE_SIZE;
	cpu->state.gpr[X86_RSP] = CODE + (PAGE_STACK + 2 * n + 2) * PAGE_SIZE;
	engine_state_changed(v);
}

void smp_start(struct smp *p, unsigned int vcpus, uint32_t debug)
{
	struct engine_vcpu_config config = {.run_fd = -1};

	memset(p, 0, sizeof(*p));
	p->vcpus = vcpus;
	p->area = mem_reserve(BYTES);
	assert_non_null(p->area);
	assert_int_equal(machine_init(&p->m, debug), 0);
	assert_int_equal(machine_add_ram(&p->m, CODE, p->area, BYTES), 0);
	machine_map(&p->m, CODE, CODE, BYTES, MACHINE_WRITABLE, 12);
	p->v[0] = p->m.v;
	for (unsigned int n = 1; n < vcpus; n++) {
		assert_int_equal(engine_vcpu_new(p->m.engine, &config, &p->v[n]), 0);
		cpu_set_cpuid(&p->v[n]->cpu, &p->m.cpuid);
	}
}

void smp_end(struct smp *p)
{
	for (unsigned int n = 1; n < p->vcpus; n++)
		engine_vcpu_free(p->v[n]);
	machine_destroy(&p->m);
	mem_release(p->area, BYTES);
}

void smp_ask_for_protection(struct engine_vcpu *v, const uint8_t *host)
{
	engine_lock_translate(v->engine);
	v->protect[0] = host;
	v->protect_count = 1;
	engine_unlock_translate(v->engine);
	atomic_fetch_or(&v->request, REQUEST_PROTECT);
}
