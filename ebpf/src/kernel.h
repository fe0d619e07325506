// SPDX-License-Identifier: MIT OR GPL-2.0-only
//
// What steer.bpf.c needs of the kernel's BPF interface, and nothing more.
//
// The kernel's own headers would have to be installed, and found, on every
// machine that builds; this much of them is a stable interface, so that clang
// alone is enough. Numbers and layouts are those of include/uapi/linux/bpf.h.

#ifndef TIDEGATE_KERNEL_H
#define TIDEGATE_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

#define SEC(name) __attribute__((section(name), used))
#define __always_inline inline __attribute__((always_inline))

// Fields of a map that is defined in BTF: numbers are array lengths, types are
// pointers to the type.
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name

enum {
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_DEVMAP = 14,
	BPF_MAP_TYPE_XSKMAP = 17,
};

enum { BPF_F_MMAPABLE = 1 << 10 };

enum xdp_action { XDP_ABORTED = 0, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT };

struct xdp_md {
	__u32 data;
	__u32 data_end;
	__u32 data_meta;
	__u32 ingress_ifindex;
	__u32 rx_queue_index;
	__u32 egress_ifindex;
};

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_redirect_map)(void *map, __u64 key, __u64 flags) = (void *)51;
static __u64 (*const bpf_ktime_get_coarse_ns)(void) = (void *)160;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define be16(value) __builtin_bswap16(value)
#else
#define be16(value) (value)
#endif

#endif
