#ifndef LAMINA_CSQLITE_SHIM_H
#define LAMINA_CSQLITE_SHIM_H

#include <sqlite3.h>

#endif
