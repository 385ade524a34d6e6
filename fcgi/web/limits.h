/* limits.h - what rolegate-web takes in, beside src/base/bounds.h. Over one of
 * these the whole request is refused. */
#ifndef ROLEGATE_WEB_LIMITS_H
#define ROLEGATE_WEB_LIMITS_H

#include "base/bounds.h"

#define JSON_BODY_MAX	   ((size_t)256 * 1024)
#define FORM_BODY_MAX	   ((size_t)16 * 1024)
#define BODY_MAX	   ((size_t)SHEET_FILE_MAX + 16 * 1024)
#define TARGET_MAX	   ((size_t)8 * 1024)
#define PAIRS_MAX	   64 /* of a form or a query string */
#define PARTS_MAX	   8 /* of a multipart body */
#define BOUNDARY_MAX	   70 /* RFC 2046, section 5.1.1 */
#define SEGMENTS_MAX	   16 /* of a path */
#define FIELDS_MAX	   32 /* of a JSON body */
#define ITEMS_MAX	   100 /* done by one request */
#define PAGE_MAX	   200
#define PAGE_DEFAULT	   50
#define WHO_MAX		   10000
#define IDEMPOTENCY_MAX	   128
#define RETURN_MAX	   2048 /* bytes of the address to go back to */
#define CHANGES_MAX	   ((size_t)20000) /* shown of one request */
#define PEER_WAIT_S	   10 /* for nginx to send or to take */
#define WORKER_FINISH_MS   10000
#define IDEMPOTENCY_KEPT_S ((int64_t)24 * 3600)

#endif
