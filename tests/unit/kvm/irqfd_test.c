// SPDX-License-Identifier: GPL-2.0-or-later
/* api.rst KVM_IRQFD. */
#include "fixture.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define GSI    10
#define VECTOR 0x51
#define LEVEL  BIT32(15)

static long set_irqfd(struct fixture *f, int fd, uint32_t flags, int resample_fd)
{
	struct kvm_irqfd irqfd = {.fd = (uint32_t)fd,
				  .gsi = GSI,
				  .flags = flags,
				  .resamplefd = (uint32_t)resample_fd};

	return ioc(f->vm, KVM_IRQFD, &irqfd);
}

static void lead_to(struct fixture *f, uint32_t entry)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
	struct kvm_lapic_state lapic;

	assert_ok(ioc(f->vm, KVM_GET_IRQCHIP, &chip));
	chip.chip.ioapic.redirtbl[GSI].bits = entry;
	assert_ok(ioc(f->vm, KVM_SET_IRQCHIP, &chip));
	assert_ok(ioc(f->vcpu, KVM_GET_LAPIC, &lapic));
	lapic.regs[0xf1] = 1;
	lapic.regs[0x352] = 1; /* the 8259s have the line, too: LINT0 is masked */
	assert_ok(ioc(f->vcpu, KVM_SET_LAPIC, &lapic));
}

static void await_interrupt(struct fixture *f)
{
	while (!fake.ops->has_interrupt(f->v))
		usleep(100);
	assert_int_equal(fake.ops->take_interrupt(f->v), VECTOR);
}

static enum engine_exit_reason step_eoi(struct engine_vcpu *v)
{
	v->exit.mmio.gpa = 0xfee000b0;
	v->exit.mmio.len = 4;
	v->exit.mmio.write = true;
	return ENGINE_EXIT_MMIO;
}

static enum engine_exit_reason step_end(struct engine_vcpu *v)
{
	return ENGINE_EXIT_SHUTDOWN;
}

static void event_interrupts(void **state)
{
	struct fixture *f = *state;
	int fd = eventfd(0, EFD_CLOEXEC);
	unsigned int written;

	lead_to(f, VECTOR);
	assert_ok(set_irqfd(f, fd, 0, 0));
	written = fake.written;
	for (unsigned int i = 0; i < 10; i++) {
		eventfd_write(fd, 1);
		await_interrupt(f);
		assert_true(fake.written > written);
		assert_ok(RUN(f, step_eoi, step_end));
	}
	close(fd);
}

static void event_before_the_assignment_counts(void **state)
{
	struct fixture *f = *state;
	int fd = eventfd(1, EFD_CLOEXEC);

	lead_to(f, VECTOR);
	assert_ok(set_irqfd(f, fd, 0, 0));
	await_interrupt(f);
	close(fd);
}

static void deassigned_event_is_the_vmms_again(void **state)
{
	struct fixture *f = *state;
	int fd = eventfd(0, EFD_CLOEXEC);
	eventfd_t value;

	lead_to(f, VECTOR);
	assert_ok(set_irqfd(f, fd, 0, 0));
	assert_err(set_irqfd(f, fd, 0, 0), EBUSY);
	assert_ok(set_irqfd(f, fd, KVM_IRQFD_FLAG_DEASSIGN, 0));
	eventfd_write(fd, 7);
	usleep(20000);
	assert_ok(eventfd_read(fd, &value));
	assert_int_equal(value, 7);
	assert_false(fake.ops->has_interrupt(f->v));
	assert_ok(set_irqfd(f, fd, KVM_IRQFD_FLAG_DEASSIGN, 0)); /* as Linux: nothing to do */
	close(fd);
}

static void level_is_resampled_at_its_end(void **state)
{
	struct fixture *f = *state;
	int fd = eventfd(0, EFD_CLOEXEC), resample = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	eventfd_t value;

	lead_to(f, LEVEL | VECTOR);
	assert_ok(set_irqfd(f, fd, KVM_IRQFD_FLAG_RESAMPLE, resample));
	for (unsigned int i = 0; i < 3; i++) {
		eventfd_write(fd, 1);
		await_interrupt(f);
		assert_int_equal(eventfd_read(resample, &value), -1);
		assert_ok(RUN(f, step_eoi, step_end));
		assert_ok(eventfd_read(resample, &value));
		assert_false(fake.ops->has_interrupt(f->v));
	}
	assert_ok(set_irqfd(f, fd, KVM_IRQFD_FLAG_DEASSIGN, 0));
	close(fd);
	close(resample);
}

static void deassignment_lowers_the_line(void **state)
{
	struct fixture *f = *state;
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
	int fd = eventfd(1, EFD_CLOEXEC), resample = eventfd(0, EFD_CLOEXEC);

	lead_to(f, LEVEL | VECTOR);
	assert_ok(set_irqfd(f, fd, KVM_IRQFD_FLAG_RESAMPLE, resample));
	await_interrupt(f);
	assert_ok(set_irqfd(f, fd, KVM_IRQFD_FLAG_DEASSIGN, 0));
	assert_ok(ioc(f->vm, KVM_GET_IRQCHIP, &chip));
	assert_int_equal(chip.chip.ioapic.irr, 0);
	close(fd);
	close(resample);
}

static void wrong_arguments(void **state)
{
	struct fixture *f = *state;
	int fd = eventfd(0, EFD_CLOEXEC), other[2];

	assert_ok(pipe(other));
	assert_err(set_irqfd(f, fd, 4, 0), EINVAL);
	assert_err(set_irqfd(f, other[0], 0, 0), EINVAL);
	assert_err(set_irqfd(f, 9999, 0, 0), EBADF);
	assert_err(set_irqfd(f, fd, KVM_IRQFD_FLAG_RESAMPLE, other[0]), EINVAL);
	assert_err(set_irqfd(f, fd, KVM_IRQFD_FLAG_RESAMPLE, 9999), EBADF);
	close(other[0]);
	close(other[1]);
	close(fd);
}

static void without_chips_there_is_no_line(void **state)
{
	struct fixture *f = *state;
	int fd = eventfd(0, EFD_CLOEXEC);

	assert_err(set_irqfd(f, fd, 0, 0), EAGAIN);
	close(fd);
}

static void split_does_not_resample(void **state)
{
	struct fixture *f = *state;
	int fd = eventfd(0, EFD_CLOEXEC);

	assert_err(set_irqfd(f, fd, KVM_IRQFD_FLAG_RESAMPLE, fd), EINVAL);
	assert_ok(set_irqfd(f, fd, 0, 0));
	close(fd);
}

#define CASE(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest irqfd_tests[] = {
	CASE(event_interrupts, setup_full),
	CASE(event_before_the_assignment_counts, setup_full),
	CASE(deassigned_event_is_the_vmms_again, setup_full),
	CASE(level_is_resampled_at_its_end, setup_full),
	CASE(deassignment_lowers_the_line, setup_full),
	CASE(wrong_arguments, setup_full),
	CASE(without_chips_there_is_no_line, setup),
	CASE(split_does_not_resample, setup_split),
};
const size_t irqfd_test_count = ARRAY_SIZE(irqfd_tests);
