#ifndef LAMINA_CJQ_SHIM_H
#define LAMINA_CJQ_SHIM_H

#include <jv.h>
#include <jq.h>

#endif
