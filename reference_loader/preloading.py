"""A fork server that has torch loaded before the first worker is asked of it.

A worker started by "forkserver" is a fork of a server process, which has loaded nothing by itself,
so that every worker imports torch anew, for seconds. The server can load modules once for all, if
it is told before it starts.

There is one server for the whole program. So it is told nothing if it runs already, or if somebody
has said what it is to load; who calls `multiprocessing.set_forkserver_preload` had better name
torch, too. Only modules that are known to stand a fork are loaded: nobody knows what the module of
a dataset does when it is imported, and a thread that it starts, or a driver, would be missing in
the workers.
"""

from multiprocessing import forkserver

MODULES = ("torch", "reference_loader.worker")
_USUAL = ["__main__"]  # what the standard library preloads where nobody says anything


def preload() -> bool:
    """Have the fork server load torch, if it is still to be started as usual; return whether."""
    # The standard library lets one set the modules, and has no way to ask for them.
    server = getattr(forkserver, "_forkserver", None)
    started = getattr(server, "_forkserver_pid", 0) is not None
    if started or getattr(server, "_preload_modules", None) != _USUAL:
        return False
    forkserver.set_forkserver_preload([*_USUAL, *MODULES])
    return True
