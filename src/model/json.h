/* json.h - a JSON value as compact text in an arena. */
#ifndef ROLEGATE_JSON_H
#define ROLEGATE_JSON_H

#include <jansson.h>

#include "base/str.h"

/* Gives the object back to jansson. ptr NULL when memory is out, or object is
 * NULL because it was. */
struct str json_text(struct arena *arena, json_t *object);
/* A list of strings; NULL when memory is out. */
json_t *json_names(struct names names);

#endif
