#ifndef LAMINA_CEDIT_SHIM_H
#define LAMINA_CEDIT_SHIM_H

#include <histedit.h>

#endif
