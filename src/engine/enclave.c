// SPDX-License-Identifier: GPL-2.0-or-later
/* ENCLS, ENCLU and ENCLV of a processor without SGX. */
#include "engine/core.h"

static enum cpu_result ud(struct engine_vcpu *v)
{
	v->cpu.fault = (struct x86_exception){.vector = UD_VECTOR};
	return CPU_FAULT;
}

enum cpu_result engine_encls(struct engine_vcpu *v)
{
	return ud(v);
}

enum cpu_result engine_enclu(struct engine_vcpu *v)
{
	return ud(v);
}

enum cpu_result engine_enclv(struct engine_vcpu *v)
{
	return ud(v);
}
