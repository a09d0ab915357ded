// SPDX-License-Identifier: GPL-2.0-or-later
/* api.rst KVM_IOEVENTFD: which writes of the guest go to an eventfd. */
#include "fixture.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct kvm_ioeventfd pio(int fd, uint64_t addr, uint32_t len)
{
	return (struct kvm_ioeventfd){
		.addr = addr,
		.len = len,
		.fd = fd,
		.flags = KVM_IOEVENTFD_FLAG_PIO,
	};
}

static uint64_t count(int fd)
{
	uint64_t value = 0;

	return read(fd, &value, sizeof(value)) == sizeof(value) ? value : 0;
}

static enum engine_exit_reason step_out16(struct engine_vcpu *v)
{
	v->exit.io.in = false;
	v->exit.io.size = 2;
	v->exit.io.port = 0xc010;
	v->exit.io.count = 1;
	memcpy(v->exit.io.data, "\x05\x00", 2);
	return ENGINE_EXIT_IO;
}

static enum engine_exit_reason step_outs16(struct engine_vcpu *v)
{
	step_out16(v);
	v->exit.io.count = 3;
	memcpy(v->exit.io.data, "\x05\x00\x06\x00\x05\x00", 6);
	return ENGINE_EXIT_IO;
}

static enum engine_exit_reason step_in16(struct engine_vcpu *v)
{
	step_out16(v);
	v->exit.io.in = true;
	return ENGINE_EXIT_IO;
}

static enum engine_exit_reason step_mmio32(struct engine_vcpu *v)
{
	v->exit.mmio.gpa = 0xfe001000;
	v->exit.mmio.len = 4;
	v->exit.mmio.write = true;
	memcpy(v->exit.mmio.data, "\x05\x00\x00\x00", 4);
	return ENGINE_EXIT_MMIO;
}

static void matching_output_signals_and_goes_on(void **state)
{
	struct fixture *f = *state;
	int fd = eventfd(0, EFD_NONBLOCK);
	struct kvm_ioeventfd args = pio(fd, 0xc010, 2);

	assert_ok(ioc(f->vm, KVM_IOEVENTFD, &args));
	assert_ok(RUN(f, step_out16, step_out16));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_HLT);
	assert_int_equal(count(fd), 2);
	assert_ok(RUN(f, step_in16));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_IO);
	assert_int_equal(count(fd), 0);
	close(fd);
}

static void mismatching_output_goes_to_vmm(void **state)
{
	static const struct {
		uint64_t addr;
		uint32_t len;
		uint32_t flags;
		uint64_t datamatch;
	} others[] = {
		{0xc011, 2, KVM_IOEVENTFD_FLAG_PIO, 0},
		{0xc010, 1, KVM_IOEVENTFD_FLAG_PIO, 0},
		{0xc010, 4, KVM_IOEVENTFD_FLAG_PIO, 0},
		{0xc010, 2, 0, 0},
		{0xc010, 2, KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DATAMATCH, 6},
	};
	struct fixture *f = *state;
	int fd = eventfd(0, EFD_NONBLOCK);

	for (unsigned int i = 0; i < ARRAY_SIZE(others); i++) {
		struct kvm_ioeventfd args = pio(fd, others[i].addr, others[i].len);

		args.flags = others[i].flags;
		args.datamatch = others[i].datamatch;
		assert_ok(ioc(f->vm, KVM_IOEVENTFD, &args));
		assert_ok(RUN(f, step_out16));
		assert_int_equal(f->run->exit_reason, KVM_EXIT_IO);
	}
	assert_int_equal(count(fd), 0);
	close(fd);
}

static void datamatch_and_any_length_match(void **state)
{
	struct fixture *f = *state;
	int fd = eventfd(0, EFD_NONBLOCK), any = eventfd(0, EFD_NONBLOCK);
	struct kvm_ioeventfd args = pio(fd, 0xc010, 2), mmio = {.addr = 0xfe001000, .fd = any};

	args.flags |= KVM_IOEVENTFD_FLAG_DATAMATCH;
	args.datamatch = 5;
	assert_ok(ioc(f->vm, KVM_IOEVENTFD, &args));
	assert_ok(ioc(f->vm, KVM_IOEVENTFD, &mmio));
	assert_ok(RUN(f, step_out16, step_mmio32, step_mmio32));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_HLT);
	assert_int_equal(count(fd), 1);
	assert_int_equal(count(any), 2);
	/* The first of a string decides; what then does not match is dropped. */
	assert_ok(RUN(f, step_outs16));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_HLT);
	assert_int_equal(count(fd), 2);
	close(fd);
	close(any);
}

static void collision_eexist(void **state)
{
	struct fixture *f = *state;
	int fd = eventfd(0, EFD_NONBLOCK);
	struct kvm_ioeventfd args = pio(fd, 0xc010, 2);

	args.flags |= KVM_IOEVENTFD_FLAG_DATAMATCH;
	args.datamatch = 5;
	assert_ok(ioc(f->vm, KVM_IOEVENTFD, &args));
	assert_err(ioc(f->vm, KVM_IOEVENTFD, &args), EEXIST);
	args.datamatch = 6;
	assert_ok(ioc(f->vm, KVM_IOEVENTFD, &args));
	args = pio(fd, 0xc010, 2);
	assert_err(ioc(f->vm, KVM_IOEVENTFD, &args), EEXIST);
	args.len = 4;
	assert_ok(ioc(f->vm, KVM_IOEVENTFD, &args));
	args.len = 0;
	assert_err(ioc(f->vm, KVM_IOEVENTFD, &args), EEXIST);
	close(fd);
}

static void arguments_that_are_wrong(void **state)
{
	struct fixture *f = *state;
	int fd = eventfd(0, EFD_NONBLOCK), other = dup(0);
	struct kvm_ioeventfd args = pio(fd, 0xc010, 3);

	assert_err(ioc(f->vm, KVM_IOEVENTFD, &args), EINVAL);
	args = pio(fd, UINT64_MAX, 2);
	assert_err(ioc(f->vm, KVM_IOEVENTFD, &args), EINVAL);
	args = pio(fd, 0xc010, 2);
	args.flags |= 0x100;
	assert_err(ioc(f->vm, KVM_IOEVENTFD, &args), EINVAL);
	args = pio(fd, 0xc010, 0);
	args.flags |= KVM_IOEVENTFD_FLAG_DATAMATCH;
	assert_err(ioc(f->vm, KVM_IOEVENTFD, &args), EINVAL);
	args = pio(-1, 0xc010, 2);
	assert_err(ioc(f->vm, KVM_IOEVENTFD, &args), EBADF);
	args = pio(other, 0xc010, 2);
	assert_err(ioc(f->vm, KVM_IOEVENTFD, &args), EINVAL);
	close(fd);
	close(other);
}

static void deassign_is_by_file_and_match(void **state)
{
	struct fixture *f = *state;
	int fd = eventfd(0, EFD_NONBLOCK), other = eventfd(0, EFD_NONBLOCK), same = dup(fd);
	struct kvm_ioeventfd args = pio(fd, 0xc010, 2);

	assert_ok(ioc(f->vm, KVM_IOEVENTFD, &args));
	args = pio(other, 0xc010, 2);
	args.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
	assert_err(ioc(f->vm, KVM_IOEVENTFD, &args), ENOENT);
	args.fd = fd;
	args.len = 4;
	assert_err(ioc(f->vm, KVM_IOEVENTFD, &args), ENOENT);
	args.len = 2;
	args.fd = same;
	assert_ok(ioc(f->vm, KVM_IOEVENTFD, &args));
	assert_err(ioc(f->vm, KVM_IOEVENTFD, &args), ENOENT);
	assert_ok(RUN(f, step_out16));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_IO);
	close(fd);
	close(other);
	close(same);
}

/* As with KVM, which counts references to the eventfd. */
static void closed_descriptor_still_signals(void **state)
{
	struct fixture *f = *state;
	int fd = eventfd(0, EFD_NONBLOCK), reader = dup(fd);
	struct kvm_ioeventfd args = pio(fd, 0xc010, 2);

	assert_ok(ioc(f->vm, KVM_IOEVENTFD, &args));
	close(fd);
	assert_ok(RUN(f, step_out16));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_HLT);
	assert_int_equal(count(reader), 1);
	close(reader);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest ioeventfd_tests[] = {
	CASE(matching_output_signals_and_goes_on),
	CASE(mismatching_output_goes_to_vmm),
	CASE(datamatch_and_any_length_match),
	CASE(collision_eexist),
	CASE(arguments_that_are_wrong),
	CASE(deassign_is_by_file_and_match),
	CASE(closed_descriptor_still_signals),
};
const size_t ioeventfd_test_count = ARRAY_SIZE(ioeventfd_tests);
