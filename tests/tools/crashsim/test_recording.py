"""Real programs under strace: what the trace gives is what is on disk, or the program is refused."""

import sys
import textwrap

import pytest
from tools.crashsim.effects import Change, Mark, Sync, Tree, Write
from tools.crashsim.errors import RecordingError, RefusedError
from tools.crashsim.recorder import record
from tools.crashsim.recording import first_difference, load

from tools.crashsim import recorder


def run(program, initial=None, name="program"):
    """Record a Python program that finds the directory in `root`."""
    text = "import os, sys\nroot = sys.argv[1]\n" + textwrap.dedent(program)
    return record(
        lambda root: [sys.executable, "-S", "-c", text, root], subject="", workload=name, initial=initial
    )


PROGRAMS = {
    "append, offsets and reads": """
        descriptor = os.open(root + "/a", os.O_RDWR | os.O_CREAT)
        os.write(descriptor, b"0123456789")
        os.lseek(descriptor, 2, os.SEEK_SET)
        os.read(descriptor, 3)
        os.write(descriptor, b"at five")
        os.pwrite(descriptor, b"beyond", 30)
        end = os.open(root + "/a", os.O_WRONLY | os.O_APPEND)
        os.writev(end, [b"one", b"two"])
        os.ftruncate(descriptor, 34)
        os.truncate(root + "/a", 33)
    """,
    "duplicated descriptors share their offset": """
        descriptor = os.open(root + "/a", os.O_RDWR | os.O_CREAT)
        other = os.dup(descriptor)
        os.write(descriptor, b"abc")
        os.dup2(other, 50)
        os.close(descriptor)
        os.write(50, b"def")
        os.write(other, b"ghi")
    """,
    "names": """
        os.mkdir(root + "/d")
        os.chdir(root + "/d")
        open("a", "w").write("a")
        os.rename("a", "b")
        os.link("b", "c")
        os.symlink("b", "s")
        open("s", "a").write("through the link")
        os.mkdir("e")
        os.rename("e", "../f")
        os.unlink("b")
        os.mkdir("gone")
        os.rmdir("gone")
        os.replace("c", root + "/f/c")
        directory = os.open(root + "/f", os.O_RDONLY)
        os.rename("c2", "c3", src_dir_fd=directory, dst_dir_fd=directory) if os.path.exists("c2") else None
        os.open("made-there", os.O_CREAT | os.O_WRONLY, dir_fd=directory)
        os.unlink("c", dir_fd=directory)
    """,
    "a file reached through a link that stands elsewhere": """
        open(root + "/a", "w").write("0123456789")
        os.symlink(root + "/a", root + "/../beside")
        with open(root + "/../beside", "r+") as file:
            file.write("changed")
        os.mkdir(root + "/d")
    """,
    "an unlinked file is written on, and its name used again": """
        descriptor = os.open(root + "/a", os.O_RDWR | os.O_CREAT)
        os.unlink(root + "/a")
        os.write(descriptor, b"seen by no one")
        open(root + "/a", "w").write("another")
        os.write(descriptor, b"still not seen")
    """,
    "copies inside the kernel": """
        descriptor = os.open(root + "/a", os.O_RDWR | os.O_CREAT)
        os.write(descriptor, b"0123456789")
        copy = os.open(root + "/b", os.O_RDWR | os.O_CREAT)
        os.copy_file_range(descriptor, copy, 4, 3)
        os.sendfile(copy, descriptor, 1, 5)
        os.posix_fallocate(copy, 0, 40)
    """,
    "threads and children": """
        import threading, subprocess
        def work(name):
            for round in range(20):
                with open(f"{root}/{name}", "a") as file:
                    file.write(f"{name} {round}" * 10)
                os.replace(f"{root}/{name}", f"{root}/{name}-{round % 3}")
        threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        subprocess.run(["sh", "-c", "cd $0; echo hello > shell; mv shell shell2; rm -f a-1", root])
        if os.fork() == 0:
            os.write(os.open(root + "/child", os.O_CREAT | os.O_WRONLY), b"from a child")
            os._exit(0)
        os.wait()
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_trace_gives_exactly_the_files_on_disk(name):
    recording = run(PROGRAMS[name], initial=Tree({"before": b"was here"}))
    assert recording.final.nodes["before"] == b"was here"
    assert len(recording.final.nodes) > 1
    assert recording.steps


REFUSED = {
    "shared and writable": """
        import mmap
        descriptor = os.open(root + "/a", os.O_RDWR | os.O_CREAT)
        os.ftruncate(descriptor, 4096)
        mmap.mmap(descriptor, 4096)
    """,
    "across the border": 'open(root + "/a", "w").close(); os.rename(root + "/a", root + "/../a")',
    "O_TMPFILE": "os.open(root, os.O_TMPFILE | os.O_RDWR)",
    "from outside": """
        open(root + "/../outside", "w").write("x")
        os.link(root + "/../outside", root + "/inside")
    """,
    "io_uring": """
        import ctypes
        area = ctypes.create_string_buffer(256)
        descriptor = ctypes.CDLL(None).syscall(425, 4, area)
        if descriptor < 0: os.write(2, b"no io_uring here"); os._exit(7)
    """,
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_modelled_is_refused(words):
    try:
        with pytest.raises(RefusedError, match=words):
            run(REFUSED[words])
    except RecordingError as error:
        if "no io_uring here" in str(error):
            pytest.skip("this kernel has no io_uring")
        raise


def test_marks_syncs_and_their_order():
    recording = run("""
        marks = os.open(os.environ["CRASHSIM_MARKS"], os.O_WRONLY | os.O_APPEND)
        descriptor = os.open(root + "/a", os.O_RDWR | os.O_CREAT)
        os.write(marks, b"issued 1\\n")
        os.write(descriptor, b"x")
        os.fdatasync(descriptor)
        os.write(marks, b"acked 1\\n")
        directory = os.open(root, os.O_RDONLY)
        os.fsync(directory)
    """)
    effects = [step.effect for step in recording.steps]
    assert [type(effect) for effect in effects] == [Change, Mark, Write, Sync, Mark, Sync]
    assert effects[1] == Mark("issued 1")
    assert effects[3].data_only
    assert effects[5].inode == 0


def test_a_synchronous_write_is_followed_by_its_sync():
    recording = run("""
        descriptor = os.open(root + "/a", os.O_RDWR | os.O_CREAT | os.O_DSYNC)
        os.write(descriptor, b"x")
    """)
    sync = recording.steps[-1].effect
    assert isinstance(sync, Sync)
    assert sync.extent
    assert sync.covers == 1


def test_a_program_that_fails_is_not_recorded():
    with pytest.raises(RecordingError, match="status 3"):
        run("sys.exit(3)")


def test_a_trace_that_does_not_give_the_files_is_noticed():
    assert "not in the trace" in first_difference(Tree({}), Tree({"a": b""}))
    assert "not on disk" in first_difference(Tree({"a": b""}), Tree({}))
    assert "other contents" in first_difference(Tree({"a": b"1"}), Tree({"a": b"2"}))
    assert first_difference(Tree({"a": b"1"}), Tree({"a": b"1"})) == ""


def test_without_strace_the_way_to_get_it_is_said(monkeypatch):
    monkeypatch.setattr(recorder.shutil, "which", lambda name: None)
    with pytest.raises(RecordingError, match="apt-get install strace"):
        run("pass")


def test_a_recording_is_kept_and_read_again(tmp_path):
    recording = run("open(root + '/a', 'w').write('x')")
    recording.save(str(tmp_path / "kept"))
    assert load(str(tmp_path / "kept")) == recording
