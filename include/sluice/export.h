/* What a shared library shows. Everything else is hidden (-fvisibility=hidden), and so stays ours to change. */
#ifndef SLUICE_EXPORT_H
#define SLUICE_EXPORT_H

#define SLUICE_API __attribute__((visibility("default")))

#endif
