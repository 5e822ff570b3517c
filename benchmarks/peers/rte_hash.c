/* DPDK's rte_hash on the flows of a case file: rte_hash FILE.
 *
 * The file: numbers of flows and of packets; the flows and the packets, as five-tuples of the side that opened. Keys have
 * 32 bytes, a size that rte_hash compares with SIMD: both addresses as IPv6 would need them, less what does not fit.
 */
#include "dpdk.h"

#include <rte_hash.h>
#include <rte_hash_crc.h>

struct key {
	uint32_t src[3], dst[3];
	uint16_t src_port, dst_port;
	uint32_t protocol;
};

_Static_assert(sizeof(struct key) == 32, "rte_hash has a comparison of its own for 32 bytes");

static struct key key_of(const struct tuple *tuple)
{
	return (struct key){{tuple->src, 0, 0}, {tuple->dst, 0, 0}, tuple->src_port, tuple->dst_port, tuple->protocol};
}

/* Every packet's key is put together and looked up, 64 at a time; what was found is stamped with the packet's time. */
static double look_up(const struct rte_hash *hash, const struct tuple *packets, uint64_t count, int32_t *found,
		      uint64_t *stamps)
{
	double begun = now();
	for (uint64_t n = 0; n < count; n += RTE_HASH_LOOKUP_BULK_MAX) {
		struct key keys[RTE_HASH_LOOKUP_BULK_MAX];
		const void *places[RTE_HASH_LOOKUP_BULK_MAX];
		uint32_t burst = (uint32_t)(count - n);
		if (burst > RTE_HASH_LOOKUP_BULK_MAX)
			burst = RTE_HASH_LOOKUP_BULK_MAX;
		for (uint32_t m = 0; m < burst; m++) {
			keys[m] = key_of(&packets[n + m]);
			places[m] = &keys[m];
		}
		if (rte_hash_lookup_bulk(hash, places, burst, found + n) != 0)
			die("rte_hash_lookup_bulk");
		if (stamps != NULL)
			for (uint32_t m = 0; m < burst; m++)
				if (found[n + m] >= 0)
					stamps[found[n + m]] = n;
	}
	return now() - begun;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	uint64_t header[2];
	const struct tuple *flows = (const struct tuple *)load(argv[1], header, 2);
	uint64_t live = header[0], count = header[1];
	const struct tuple *packets = flows + live;
	int socket = start(((size_t)64 << 20) + (size_t)live * 160);

	size_t before = allocated(socket);
	struct rte_hash_parameters about = {.name = "flows", .entries = (uint32_t)live + live / 16 + 64,
					    .key_len = sizeof(struct key), .hash_func = rte_hash_crc, .socket_id = socket};
	double begun = now();
	struct rte_hash *hash = rte_hash_create(&about);
	if (hash == NULL)
		die("rte_hash_create");
	int32_t *positions = calloc(live, sizeof *positions);
	for (uint64_t n = 0; n < live; n++) {
		struct key key = key_of(&flows[n]);
		positions[n] = rte_hash_add_key(hash, &key);
		if (positions[n] < 0)
			die("rte_hash_add_key");
	}
	double seconds = now() - begun;
	size_t memory = allocated(socket) - before;

	int32_t *found = calloc(count, sizeof *found);
	uint64_t *stamps = calloc(about.entries + 64, sizeof *stamps);
	look_up(hash, packets, count, found, NULL);
	printf("{\"version\": \"%s\", \"build_seconds\": %.9f, \"memory\": %zu}\n", rte_version(), seconds, memory);

	for (char *words = order(); words != NULL; words = order()) {
		if (strcmp(words, "run") == 0) {
			printf("{\"seconds\": %.9f}\n", look_up(hash, packets, count, found, NULL));
		} else if (strcmp(words, "stamp") == 0) {
			printf("{\"seconds\": %.9f}\n", look_up(hash, packets, count, found, stamps));
		} else if (strncmp(words, "answers ", 8) == 0) { /* the flow that each packet met */
			int32_t *flow_at = malloc(sizeof *flow_at * (about.entries + 64));
			int32_t *answers = malloc(sizeof *answers * count);
			for (uint64_t n = 0; n < live; n++)
				flow_at[positions[n]] = (int32_t)n;
			for (uint64_t n = 0; n < count; n++)
				answers[n] = found[n] < 0 ? -1 : flow_at[found[n]];
			write_answers(words + 8, answers, count);
			free(flow_at);
			free(answers);
		} else {
			return 2;
		}
	}
	return 0;
}
