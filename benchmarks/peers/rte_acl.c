/* DPDK's rte_acl on the rules and five-tuples of a case file: rte_acl FILE.
 *
 * The rules ask for protocol, source address and destination port, as a security group's ingress rules do; the first
 * in the file has the highest priority. The best SIMD method is the fastest of those that this processor has.
 */
#include "dpdk.h"

#include <rte_acl.h>
#include <rte_byteorder.h>

#define BURST 256 /* packets handed over at a time: no slower than 64 or 4,096 */

struct key { /* in network order, as rte_acl wants it */
	uint8_t protocol, padding[3];
	uint32_t src;
	uint16_t src_port, dst_port;
} __attribute__((packed));

enum { PROTOCOL, SRC, SRC_PORT, DST_PORT, FIELDS };

RTE_ACL_RULE_DEF(acl_rule, FIELDS);

static const struct rte_acl_field_def fields[FIELDS] = {
	{RTE_ACL_FIELD_TYPE_BITMASK, 1, PROTOCOL, 0, offsetof(struct key, protocol)},
	{RTE_ACL_FIELD_TYPE_MASK, 4, SRC, 1, offsetof(struct key, src)},
	{RTE_ACL_FIELD_TYPE_RANGE, 2, SRC_PORT, 2, offsetof(struct key, src_port)},
	{RTE_ACL_FIELD_TYPE_RANGE, 2, DST_PORT, 2, offsetof(struct key, dst_port)},
};

static const struct {
	enum rte_acl_classify_alg code;
	const char *name;
} methods[] = {
	{RTE_ACL_CLASSIFY_AVX512X32, "AVX512X32"}, {RTE_ACL_CLASSIFY_AVX512X16, "AVX512X16"},
	{RTE_ACL_CLASSIFY_AVX2, "AVX2"},	   {RTE_ACL_CLASSIFY_SSE, "SSE"},
	{RTE_ACL_CLASSIFY_NEON, "NEON"},	   {RTE_ACL_CLASSIFY_ALTIVEC, "ALTIVEC"},
	{RTE_ACL_CLASSIFY_SCALAR, "SCALAR"},
};

#define METHODS (sizeof methods / sizeof *methods)
#define TURNS 4 /* tries of each method, by turns; its best counts */

static struct rte_acl_ctx *build(const struct row *rows, uint64_t count, int socket)
{
	struct rte_acl_param about = {.name = "rules", .socket_id = socket, .rule_size = RTE_ACL_RULE_SZ(FIELDS),
				      .max_rule_num = (uint32_t)count};
	struct rte_acl_ctx *acl = rte_acl_create(&about);
	if (acl == NULL)
		die("rte_acl_create");
	for (uint64_t n = 0; n < count; n++) {
		const struct row *row = &rows[n];
		struct acl_rule rule = {0};
		rule.data.category_mask = 1;
		rule.data.priority = (int32_t)(count - n);
		rule.data.userdata = (uint32_t)row->place + 1;
		rule.field[PROTOCOL].value.u8 = row->protocol;
		rule.field[PROTOCOL].mask_range.u8 = 0xff;
		rule.field[SRC].value.u32 = row->address;
		rule.field[SRC].mask_range.u32 = row->length;
		rule.field[SRC_PORT].value.u16 = 0;
		rule.field[SRC_PORT].mask_range.u16 = 0xffff;
		rule.field[DST_PORT].value.u16 = row->first;
		rule.field[DST_PORT].mask_range.u16 = row->last;
		if (rte_acl_add_rules(acl, (struct rte_acl_rule *)&rule, 1) != 0)
			die("rte_acl_add_rules");
	}
	struct rte_acl_config config = {.num_categories = 1, .num_fields = FIELDS};
	memcpy(config.defs, fields, sizeof fields);
	int failed = rte_acl_build(acl, &config);
	if (failed) {
		rte_errno = -failed;
		die("rte_acl_build");
	}
	return acl;
}

static double classify(struct rte_acl_ctx *acl, const uint8_t **keys, uint32_t *results, uint64_t count,
		       enum rte_acl_classify_alg method)
{
	double begun = now();
	for (uint64_t n = 0; n < count; n += BURST) {
		uint32_t burst = count - n < BURST ? (uint32_t)(count - n) : BURST;
		int failed = rte_acl_classify_alg(acl, keys + n, results + n, burst, 1, method);
		if (failed)
			return -1;
	}
	return now() - begun;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	uint64_t header[2];
	const struct row *rows = (const struct row *)load(argv[1], header, 2);
	const struct tuple *tuples = (const struct tuple *)(rows + header[0]);
	uint64_t count = header[1];
	int socket = start(((size_t)256 << 20) + (size_t)header[0] * 20000);

	size_t before = allocated(socket);
	double begun = now();
	struct rte_acl_ctx *acl = build(rows, header[0], socket);
	double seconds = now() - begun;
	size_t memory = allocated(socket) - before;

	struct key *keys = calloc(count, sizeof *keys);
	const uint8_t **places = calloc(count, sizeof *places);
	uint32_t *results = calloc(count, sizeof *results);
	for (uint64_t n = 0; n < count; n++) {
		keys[n].protocol = tuples[n].protocol;
		keys[n].src = rte_cpu_to_be_32(tuples[n].src);
		keys[n].src_port = rte_cpu_to_be_16(tuples[n].src_port);
		keys[n].dst_port = rte_cpu_to_be_16(tuples[n].dst_port);
		places[n] = (const uint8_t *)&keys[n];
	}
	double least[METHODS]; /* seconds; negative where this processor does not have it */
	for (int turn = 0; turn < TURNS; turn++)
		for (size_t m = 0; m < METHODS; m++) {
			double took = classify(acl, places, results, count, methods[m].code);
			if (turn == 0 || took < least[m])
				least[m] = took;
		}
	int best = -1;
	printf("{\"version\": \"%s\", \"build_seconds\": %.9f, \"memory\": %zu, \"methods\": {", rte_version(), seconds,
	       memory);
	for (size_t m = 0; m < METHODS; m++) {
		if (least[m] < 0)
			continue;
		printf("%s\"%s\": %.9f", best < 0 ? "" : ", ", methods[m].name, least[m]);
		if (best < 0 || least[m] < least[best])
			best = (int)m;
	}
	printf("}, \"method\": \"%s\"}\n", methods[best].name);

	for (char *words = order(); words != NULL; words = order()) {
		if (strcmp(words, "run") == 0) {
			printf("{\"seconds\": %.9f}\n", classify(acl, places, results, count, methods[best].code));
		} else if (strcmp(words, "build") == 0) {
			rte_acl_free(acl);
			begun = now();
			acl = build(rows, header[0], socket);
			printf("{\"seconds\": %.9f}\n", now() - begun);
		} else if (strncmp(words, "answers ", 8) == 0) {
			classify(acl, places, results, count, methods[best].code);
			int32_t *answers = calloc(count, sizeof *answers);
			for (uint64_t n = 0; n < count; n++)
				answers[n] = (int32_t)results[n] - 1;
			write_answers(words + 8, answers, count);
			free(answers);
		} else {
			return 2;
		}
	}
	return 0;
}
