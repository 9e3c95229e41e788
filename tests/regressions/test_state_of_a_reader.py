"""A reader's state follows what it reads."""

from diptych import FileRecord, Status, Store


def test_a_reader_is_empty_or_ready_as_the_store_is(tmp_path):
    with Store.open(tmp_path / "s") as store, Store.open(tmp_path / "s", read_only=True) as reader:
        assert reader.state.status is Status.EMPTY
        with store.transaction() as txn:
            txn.index_file(FileRecord("a.py", "h"))
        reader.refresh()
        reader.refresh()
        assert reader.state.status is Status.READY
        with store.transaction() as txn:
            txn.remove_file("a.py")
        reader.refresh()
        assert reader.state.status is Status.EMPTY
