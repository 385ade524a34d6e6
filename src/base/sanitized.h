/* sanitized.h - is this a build with a sanitizer? SANITIZED is 1 or 0.
 *
 * A sanitizer needs more memory and asks for more system calls than a bound or
 * a filter lets through. */
#ifndef ROLEGATE_BASE_SANITIZED_H
#define ROLEGATE_BASE_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
