#ifndef LAMINA_CSNAPPY_SHIM_H
#define LAMINA_CSNAPPY_SHIM_H

#include <snappy-c.h>

#endif
