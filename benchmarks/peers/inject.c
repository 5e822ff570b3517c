/* Hands the frames of a capture to the kernel as if they had just been received: inject CAPTURE BATCH
 *
 * The kernel's own way to do that at full speed: an XDP program that runs on "live frames" and passes them on, in
 * batches, to the network stack of this namespace, on its loopback interface. The program puts one frame of the capture
 * after the other into the packet: its first 64 bytes, which hold all headers. The time is that of the whole way.
 *
 * The capture is a little-endian pcap of Ethernet, with frames of 64 to 128 bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define KEPT 64	    /* bytes of a frame */
#define LENGTH 128  /* bytes of every packet: what follows the IP packet is ignored */

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + 1e-9 * (double)at.tv_nsec;
}

static int bpf(int command, union bpf_attr *attributes)
{
	return (int)syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

/* An array map, and its memory. */
static int array(uint32_t size, uint32_t entries, void **memory)
{
	union bpf_attr about;
	memset(&about, 0, sizeof about);
	about.map_type = BPF_MAP_TYPE_ARRAY;
	about.key_size = sizeof(uint32_t);
	about.value_size = size;
	about.max_entries = entries;
	about.map_flags = BPF_F_MMAPABLE;
	int map = bpf(BPF_MAP_CREATE, &about);
	if (map < 0)
		die("BPF map");
	*memory = mmap(NULL, (size_t)size * entries, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	if (*memory == MAP_FAILED)
		die("memory of a BPF map");
	return map;
}

#define INSTRUCTION(CODE, DST, SRC, OFF, IMM) \
	((struct bpf_insn){.code = (CODE), .dst_reg = (DST), .src_reg = (SRC), .off = (OFF), .imm = (IMM)})
#define MOVE(DST, SRC) INSTRUCTION(BPF_ALU64 | BPF_MOV | BPF_X, DST, SRC, 0, 0)
#define SET(DST, IMM) INSTRUCTION(BPF_ALU64 | BPF_MOV | BPF_K, DST, 0, 0, IMM)
#define ADD(DST, IMM) INSTRUCTION(BPF_ALU64 | BPF_ADD | BPF_K, DST, 0, 0, IMM)
#define LOAD(SIZE, DST, SRC, OFF) INSTRUCTION(BPF_LDX | BPF_MEM | (SIZE), DST, SRC, OFF, 0)
#define STORE(SIZE, DST, SRC, OFF) INSTRUCTION(BPF_STX | BPF_MEM | (SIZE), DST, SRC, OFF, 0)
#define EXIT INSTRUCTION(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define COPY(OFF) LOAD(BPF_DW, 5, 0, OFF), STORE(BPF_DW, 2, 5, OFF)

static int program(int counter, int frames)
{
	struct bpf_insn code[] = {
		MOVE(6, 1),
		INSTRUCTION(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_VALUE, 0, counter),
		INSTRUCTION(0, 0, 0, 0, 0),
		LOAD(BPF_W, 2, 1, 0), /* the frame's number, counted on */
		STORE(BPF_W, 10, 2, -4),
		ADD(2, 1),
		STORE(BPF_W, 1, 2, 0),
		MOVE(2, 10),
		ADD(2, -4),
		INSTRUCTION(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, frames),
		INSTRUCTION(0, 0, 0, 0, 0),
		INSTRUCTION(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		INSTRUCTION(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 23, 0),
		LOAD(BPF_W, 2, 6, offsetof(struct xdp_md, data)),
		LOAD(BPF_W, 3, 6, offsetof(struct xdp_md, data_end)),
		MOVE(4, 2),
		ADD(4, KEPT),
		INSTRUCTION(BPF_JMP | BPF_JGT | BPF_X, 4, 3, 18, 0),
		COPY(0), COPY(8), COPY(16), COPY(24), COPY(32), COPY(40), COPY(48), COPY(56),
		SET(0, XDP_PASS),
		EXIT,
		SET(0, XDP_DROP),
		EXIT,
	};
	static char log[16384];
	union bpf_attr about;
	memset(&about, 0, sizeof about);
	about.prog_type = BPF_PROG_TYPE_XDP;
	about.insns = (uintptr_t)code;
	about.insn_cnt = sizeof code / sizeof *code;
	about.license = (uintptr_t)"GPL";
	about.log_buf = (uintptr_t)log;
	about.log_size = sizeof log;
	about.log_level = 1;
	int loaded = bpf(BPF_PROG_LOAD, &about);
	if (loaded < 0) {
		fputs(log, stderr);
		die("BPF program");
	}
	return loaded;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	struct stat about;
	int file = open(argv[1], O_RDONLY);
	if (file < 0 || fstat(file, &about) != 0)
		die(argv[1]);
	char *bytes = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
	if (bytes == MAP_FAILED)
		die(argv[1]);
	const char *end = bytes + about.st_size;
	uint32_t count = 0, captured;
	for (const char *at = bytes + 24; at < end; at += 16 + captured, count++)
		memcpy(&captured, at + 8, sizeof captured);

	void *frames, *counter;
	int frames_map = array(KEPT, count, &frames);
	int loaded = program(array(sizeof(uint64_t), 1, &counter), frames_map);
	char *to = frames;
	for (const char *at = bytes + 24; at < end; at += 16 + captured, to += KEPT) {
		memcpy(&captured, at + 8, sizeof captured);
		memcpy(to, at + 16, KEPT);
		memset(to, 0, 6); /* the loopback interface's hardware address */
	}

	char packet[LENGTH] = {0};
	union bpf_attr run;
	memset(&run, 0, sizeof run);
	run.test.prog_fd = (uint32_t)loaded;
	run.test.data_in = (uintptr_t)packet;
	run.test.data_size_in = LENGTH;
	run.test.repeat = count;
	run.test.batch_size = (uint32_t)atoi(argv[2]);
	run.test.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
	double begun = now();
	if (bpf(BPF_PROG_TEST_RUN, &run) != 0)
		die("BPF_PROG_TEST_RUN with live frames");
	printf("{\"seconds\": %.9f, \"sent\": %u}\n", now() - begun, count);
	return 0;
}
