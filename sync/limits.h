/* limits.h - what one sync run may take in, beside src/base/bounds.h. */
#ifndef ROLEGATE_SYNC_LIMITS_H
#define ROLEGATE_SYNC_LIMITS_H

#define ENTRIES_MAX	  1000000 /* of one search */
#define PAGES_EMPTY_MAX	  1000 /* before empty pages are an error */
#define PAGE_SIZE_DEFAULT 500 /* entries */
#define PAGE_SIZE_SMALL	  100 /* entries, for the second try (RD5) */
#define SYNC_MEMORY_MAX	  ((size_t)1024 * 1024 * 1024) /* bytes, one run */
#define SOURCES_MAX	  32
#define GRANT_RULES_MAX	  4096
#define ACCOUNTS_MADE_MAX 10000
#define LOCK_HOLD_S	  600 /* a killed run's lock ends by itself */

#endif
