#ifndef LAMINA_CBZIP2_SHIM_H
#define LAMINA_CBZIP2_SHIM_H

#include <bzlib.h>

#endif
