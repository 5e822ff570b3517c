/* What the DPDK peers share: memory, time, the case file, and the conversation with the benchmark.
 *
 * Memory: huge pages are not asked of the machine (--no-huge), but sgsim's tables lie in transparent huge pages, so
 * the peers' do too: a heap of our own over memory that the kernel was advised about.
 *
 * Conversation: one line of JSON when ready; then for each line read, "run", "build" or "answers FILE", one line of
 * JSON; the end of the input ends the program.
 */
#ifndef PEERS_DPDK_H
#define PEERS_DPDK_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_version.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define HEAP "sgsim"

struct row { /* cases.ROW: one rule for one CIDR, in credit order */
	uint32_t address;
	int32_t place; /* the rule's: rows of one reference share it */
	uint16_t first, last;
	uint8_t length, protocol, padding[2];
};

struct tuple { /* cases.TUPLE */
	uint32_t src, dst;
	uint16_t src_port, dst_port;
	uint8_t protocol, back, padding[2];
};

static inline void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, rte_errno ? rte_strerror(rte_errno) : strerror(errno));
	exit(1);
}

static inline double now(void)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + 1e-9 * (double)at.tv_nsec;
}

/* The whole file in memory, behind its header of `counts` 64-bit numbers. */
static inline char *load(const char *path, uint64_t *header, int counts)
{
	struct stat about;
	int file = open(path, O_RDONLY);
	if (file < 0 || fstat(file, &about) != 0)
		die(path);
	char *bytes = mmap(NULL, (size_t)about.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, file, 0);
	if (bytes == MAP_FAILED)
		die(path);
	close(file);
	memcpy(header, bytes, sizeof(uint64_t) * (size_t)counts);
	return bytes + sizeof(uint64_t) * (size_t)counts;
}

/* Start DPDK in this process alone, and give it `bytes` of memory in transparent huge pages; the heap's socket. */
static inline int start(size_t bytes)
{
	char lcores[64];
	snprintf(lcores, sizeof lcores, "--lcores=0@(0-%ld)", sysconf(_SC_NPROCESSORS_CONF) - 1);
	char *arguments[] = {"peer", "--no-huge", "-m", "32", "--no-pci", "--no-telemetry", "--no-shconf", lcores,
			     "--log-level=error", "--force-max-simd-bitwidth=512", NULL};
	if (rte_eal_init(10, arguments) < 0)
		die("rte_eal_init");
	bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	char *memory = mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		die("memory");
	memory = (char *)(((uintptr_t)memory + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
	madvise(memory, bytes, MADV_HUGEPAGE);
	if (rte_malloc_heap_create(HEAP) != 0)
		die("rte_malloc_heap_create");
	if (rte_malloc_heap_memory_add(HEAP, memory, bytes, NULL, (unsigned)(bytes / HUGE_PAGE), HUGE_PAGE) != 0)
		die("rte_malloc_heap_memory_add");
	return rte_malloc_heap_get_socket(HEAP);
}

/* Bytes that DPDK has taken from the heap. */
static inline size_t allocated(int socket)
{
	struct rte_malloc_socket_stats stats;
	if (rte_malloc_get_socket_stats(socket, &stats) != 0)
		die("rte_malloc_get_socket_stats");
	return stats.heap_allocsz_bytes;
}

/* The next order, without its line end; NULL at the end of the input. */
static inline char *order(void)
{
	static char line[4096];
	fflush(stdout);
	if (fgets(line, sizeof line, stdin) == NULL)
		return NULL;
	line[strcspn(line, "\n")] = 0;
	return line;
}

static inline void write_answers(const char *path, const int32_t *answers, size_t count)
{
	FILE *file = fopen(path, "wb");
	if (file == NULL || fwrite(answers, sizeof *answers, count, file) != count || fclose(file) != 0)
		die(path);
	printf("{}\n");
}

#endif
