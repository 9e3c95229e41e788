"""The mutations, all of them."""
from __future__ import annotations
from .mutation import Edit, Hunt, Mutation

def crash(workload: str, **options): return Hunt("crash", {"workload": workload, **options})
MUTATIONS = (
    Mutation("journal: a commit without its fsync", "fsync",
      (Edit("journal/writer.py", "            fs.fdatasync_fd(self._fd)\n", "            pass\n"),),
      (crash("nn"),)),
    Mutation("fs: a directory is not synced", "fsync",
      (Edit("fs/durable.py", """    with translated("fsync the directory", path):
        fd""", """    return
    with translated("fsync the directory", path):
        fd"""),),
      (crash("nkn"),)),
    Mutation("sealed: the checksum is not tested", "checksum",
      (Edit("sealed.py", "    if checksum != _checksum(magic, version, packed):", "    if False:"),),
      (Hunt("damage", {"files": ["IDENTITY", "*/manifest.msgpack", "journal/CLOSED"], "kinds": ["flip"]}),)),
    Mutation("frame: the chain is not tested", "chain",
      (Edit("journal/reader.py", "if frame is None or frame.chain != self.chain:", "if frame is None:"),),
      (Hunt("unit", {"tests": ["tests/journal"]}),)),
    Mutation("journal: written on after a failed fsync", "ordering",
      (Edit("journal/writer.py", """        except BaseException as error:
            self.set_poison(error)
            if isinstance(error, OSError):
                raise PoisonedError(""", """        except BaseException as error:
            if isinstance(error, OSError):
                raise PoisonedError("""),),
      (Hunt("fault", {"campaign": "syscalls", "only": "EIO on fsync"}),)),
)
