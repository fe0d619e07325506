// SPDX-License-Identifier: MIT OR GPL-2.0-only
//
// steer: hands every frame of a device to the AF_XDP socket of its queue.
//
// A gateway is a bump in the wire: what it cannot judge must still be carried
// or stopped as its operator said, also when its process is dead or hung. So
// where a queue has no socket, or its worker has not been heard of for too
// long, the frame goes to the peer device (open) or nowhere (closed).
//
// What always holds: no frame reaches the stack of this host (XDP_PASS is never
// returned); what a frame says decides its counters only, never its way, so a
// frame that this parser does not understand is steered like any other; and
// each frame raises exactly one counter of "what it was" and exactly one of
// "what became of it".

#include "kernel.h"

// The lowest entries of the settings map; see Settings in steer.rs.
struct settings {
	__u64 fail; // FAIL_OPEN or FAIL_CLOSED
	__u64 heartbeat_limit_ns; // 0: heartbeats are not looked at
	__u64 room[6];
};

enum { FAIL_OPEN = 0, FAIL_CLOSED = 1 };

// Positions in the counters; the same as Reason in reason.rs. Only ever
// appended to, so that a pinned map means the same to the next version.
enum reason {
	// What the frame was.
	IPV4 = 0,
	IPV6,
	ARP,
	NOT_IP,
	MALFORMED,
	// What it carried, where that could be seen.
	TCP,
	UDP,
	ICMP,
	OTHER_TRANSPORT,
	// What else it was.
	TAGGED,
	FRAGMENT,
	TOO_DEEP,
	// What became of it.
	TO_SOCKET,
	FAILED_OPEN,
	FAILED_CLOSED,
	PEER_GONE,
	// Why it went to no socket.
	NO_SOCKET,
	STALE_HEARTBEAT,
	REASONS_MAX = 32,
};

// One entry with all counters: one lookup a frame, however many are raised.
struct counters {
	__u64 at[REASONS_MAX];
};

// No NIC in the field has more queues; the maps of this size cost 16 KiB.
enum { QUEUES_MAX = 1024 };

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, QUEUES_MAX);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

// CLOCK_MONOTONIC in ns, by queue; mapped into the process, so that a beat is
// one store and no system call.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, QUEUES_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} heartbeats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} peer SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
} counters SEC(".maps");

struct ethernet {
	__u8 dst[6];
	__u8 src[6];
	__u16 ethertype;
};

struct vlan {
	__u16 tci;
	__u16 ethertype;
};

struct ipv4 {
	__u8 version_ihl;
	__u8 tos;
	__u16 total_len;
	__u16 id;
	__u16 fragment;
	__u8 ttl;
	__u8 protocol;
	__u16 checksum;
	__u32 src;
	__u32 dst;
};

struct ipv6 {
	__u32 version_class_flow;
	__u16 payload_len;
	__u8 next;
	__u8 hop_limit;
	__u8 src[16];
	__u8 dst[16];
};

struct extension {
	__u8 next;
	__u8 len;
	__u16 fragment; // where the header is a fragment header
	__u32 rest;
};

struct ports {
	__u16 src;
	__u16 dst;
};

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_ARP = 0x0806, ETHERTYPE_IPV6 = 0x86dd };

enum {
	PROTOCOL_HOP_BY_HOP = 0,
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_AUTHENTICATION = 51,
	PROTOCOL_ICMPV6 = 58,
	PROTOCOL_DESTINATION = 60,
	PROTOCOL_MOBILITY = 135,
};

// As many as RFC 8200, section 4.1, recommends in one packet, less ESP, behind
// which nothing can be read.
enum { EXTENSIONS_MAX = 6, TAGS_MAX = 2 };

enum { TCP_LEN = 20, UDP_LEN = 8, ICMP_LEN = 4 };

struct cursor {
	void *at;
	void *end;
};

// The next `len` bytes, or NULL where the frame has fewer.
static __always_inline void *pull(struct cursor *cursor, __u32 len)
{
	void *header = cursor->at;

	if (header + len > cursor->end)
		return NULL;
	cursor->at = header + len;
	return header;
}

// What the headers say of a frame.
struct packet {
	enum reason kind;
	enum reason transport; // REASONS_MAX: not seen
	struct ports ports; // network byte order; 0 where there are none
	bool tagged;
	bool fragment;
	bool too_deep;
};

static __always_inline bool is_tag(__u16 ethertype)
{
	return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
}

static __always_inline enum reason parse_transport(struct cursor *cursor, __u8 protocol, enum reason kind,
						   struct packet *packet)
{
	struct ports *ports;

	switch (protocol) {
	case PROTOCOL_TCP:
		ports = pull(cursor, TCP_LEN);
		packet->transport = TCP;
		break;
	case PROTOCOL_UDP:
		ports = pull(cursor, UDP_LEN);
		packet->transport = UDP;
		break;
	case PROTOCOL_ICMP:
	case PROTOCOL_ICMPV6:
		if ((protocol == PROTOCOL_ICMP) != (kind == IPV4)) {
			packet->transport = OTHER_TRANSPORT;
			return kind;
		}
		packet->transport = ICMP;
		return pull(cursor, ICMP_LEN) ? kind : MALFORMED;
	default:
		packet->transport = OTHER_TRANSPORT;
		return kind;
	}
	if (!ports)
		return MALFORMED;
	packet->ports = *ports;
	return kind;
}

static __always_inline enum reason parse_ipv4(struct cursor *cursor, struct packet *packet)
{
	struct ipv4 *ip = pull(cursor, sizeof(*ip));
	__u32 len;

	if (!ip || ip->version_ihl >> 4 != 4)
		return MALFORMED;
	len = (ip->version_ihl & 0xf) * 4;
	if (len < sizeof(*ip) || be16(ip->total_len) < len || !pull(cursor, len - sizeof(*ip)))
		return MALFORMED;
	// More fragments, or an offset.
	packet->fragment = be16(ip->fragment) & 0x3fff;
	if (be16(ip->fragment) & 0x1fff)
		return IPV4;
	return parse_transport(cursor, ip->protocol, IPV4, packet);
}

static __always_inline enum reason parse_ipv6(struct cursor *cursor, struct packet *packet)
{
	struct ipv6 *ip = pull(cursor, sizeof(*ip));
	__u8 next;

	if (!ip || *(__u8 *)ip >> 4 != 6)
		return MALFORMED;
	next = ip->next;
	for (int count = 0; count <= EXTENSIONS_MAX; count++) {
		struct extension *header;
		__u32 len;

		if (next != PROTOCOL_HOP_BY_HOP && next != PROTOCOL_ROUTING && next != PROTOCOL_FRAGMENT &&
		    next != PROTOCOL_AUTHENTICATION && next != PROTOCOL_DESTINATION && next != PROTOCOL_MOBILITY)
			return parse_transport(cursor, next, IPV6, packet);
		header = pull(cursor, sizeof(*header));
		if (!header)
			return MALFORMED;
		if (next == PROTOCOL_FRAGMENT) {
			packet->fragment = true;
			if (be16(header->fragment) & 0xfff8)
				return IPV6;
			len = 0;
		} else if (next == PROTOCOL_AUTHENTICATION) {
			// Counted in 4 bytes less 2 (RFC 4302, section 2.2); never shorter than 12.
			if (header->len < 1)
				return MALFORMED;
			len = header->len * 4;
		} else {
			len = header->len * 8;
		}
		next = header->next;
		if (!pull(cursor, len))
			return MALFORMED;
	}
	packet->too_deep = true;
	return IPV6;
}

static __always_inline void parse(struct cursor *cursor, struct packet *packet)
{
	struct ethernet *ethernet = pull(cursor, sizeof(*ethernet));
	__u16 ethertype;

	packet->kind = MALFORMED;
	if (!ethernet)
		return;
	ethertype = be16(ethernet->ethertype);
#pragma clang loop unroll(full)
	for (int count = 0; count < TAGS_MAX; count++) {
		struct vlan *vlan;

		if (!is_tag(ethertype))
			break;
		packet->tagged = true;
		vlan = pull(cursor, sizeof(*vlan));
		if (!vlan)
			return;
		ethertype = be16(vlan->ethertype);
	}
	if (ethertype == ETHERTYPE_IPV4) {
		packet->kind = parse_ipv4(cursor, packet);
	} else if (ethertype == ETHERTYPE_IPV6) {
		packet->kind = parse_ipv6(cursor, packet);
	} else if (ethertype == ETHERTYPE_ARP) {
		packet->kind = ARP;
	} else {
		packet->kind = NOT_IP;
		packet->too_deep = is_tag(ethertype);
	}
}

static __always_inline void count_packet(struct counters *counters, const struct packet *packet)
{
	counters->at[packet->kind & (REASONS_MAX - 1)]++;
	if (packet->kind != MALFORMED && packet->transport < REASONS_MAX)
		counters->at[packet->transport]++;
	if (packet->tagged)
		counters->at[TAGGED]++;
	if (packet->fragment)
		counters->at[FRAGMENT]++;
	if (packet->too_deep)
		counters->at[TOO_DEEP]++;
}

// Whether the worker of `queue` has been heard of within `limit_ns`.
static __always_inline bool is_alive(__u32 queue, __u64 limit_ns)
{
	__u64 *beat;

	if (!limit_ns)
		return true;
	beat = bpf_map_lookup_elem(&heartbeats, &queue);
	if (!beat)
		return false;
	// The coarse clock stands up to a tick behind the one that beats are
	// written with, so the difference may be below zero.
	return (__s64)(bpf_ktime_get_coarse_ns() - *(volatile __u64 *)beat) <= (__s64)limit_ns;
}

static __always_inline int fail(const struct settings *settings, struct counters *counters)
{
	if (settings->fail != FAIL_OPEN) {
		counters->at[FAILED_CLOSED]++;
		return XDP_DROP;
	}
	// The flags are what is returned where the peer device is gone.
	if (bpf_redirect_map(&peer, 0, XDP_DROP) != XDP_REDIRECT) {
		counters->at[PEER_GONE]++;
		return XDP_DROP;
	}
	counters->at[FAILED_OPEN]++;
	return XDP_REDIRECT;
}

SEC("xdp.frags")
int tidegate_steer(struct xdp_md *context)
{
	struct cursor cursor = {
		.at = (void *)(long)context->data,
		.end = (void *)(long)context->data_end,
	};
	struct packet packet = { .transport = REASONS_MAX };
	__u32 queue = context->rx_queue_index;
	struct settings *now;
	struct counters *reasons;
	__u32 only = 0;

	now = bpf_map_lookup_elem(&settings, &only);
	reasons = bpf_map_lookup_elem(&counters, &only);
	// Neither can happen: both maps are arrays of one entry.
	if (!now || !reasons)
		return XDP_ABORTED;

	parse(&cursor, &packet);
	count_packet(reasons, &packet);

	// An entry leaves the map by itself when its socket is closed, by whatever
	// end its process has met.
	if (bpf_redirect_map(&sockets, queue, XDP_DROP) != XDP_REDIRECT) {
		reasons->at[NO_SOCKET]++;
		return fail(now, reasons);
	}
	if (!is_alive(queue, now->heartbeat_limit_ns)) {
		reasons->at[STALE_HEARTBEAT]++;
		return fail(now, reasons);
	}
	reasons->at[TO_SOCKET]++;
	return XDP_REDIRECT;
}

char dual_license[] SEC("license") = "Dual MIT/GPL";
