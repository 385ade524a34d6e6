/* replay.c - runs a fuzz target over every file of its corpus folder. */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
replay(const char *folder, const char *name)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *in;
	uint8_t *data = malloc(1 << 20);
	size_t size;

	if (data == NULL || n < 0 || (size_t)n >= sizeof(path) ||
	    (in = fopen(path, "rb")) == NULL) {
		free(data);
		return false;
	}
	size = fread(data, 1, 1 << 20, in);
	fclose(in);
	/* A copy of the exact size, so that a read past it is seen. */
	uint8_t *exact = malloc(size > 0 ? size : 1);

	if (exact == NULL)
		abort();
	memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	free(data);
	return true;
}

int
main(int argc, char **argv)
{
	struct dirent *entry;
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	size_t count = 0;

	if (folder == NULL) {
		fprintf(stderr, "%s: no corpus folder %s\n", argv[0],
		    argc == 2 ? argv[1] : "given");
		return 1;
	}
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (!replay(argv[1], entry->d_name)) {
			fprintf(stderr, "%s/%s: cannot read\n", argv[1],
			    entry->d_name);
			return 1;
		}
		count++;
	}
	closedir(folder);
	printf("%s: %zu inputs replayed\n", argv[0], count);
	return count > 0 ? 0 : 1;
}
