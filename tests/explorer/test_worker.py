"""A newer request takes the place of older ones."""

from threading import Event

from attractory.explorer.worker import Latest


def test_the_last_request_wins_and_errors_are_told():
    done, errors, go, begun = [], [], Event(), Event()

    def slow(check):
        begun.set()
        go.wait(10)
        check()  # raises, since another waits
        done.append("slow")

    def wrong(check):
        raise ValueError("no use")

    worker = Latest("test", errors.append)
    worker.submit(slow)
    assert begun.wait(10)
    worker.submit(lambda check: done.append("dropped"))
    worker.submit(lambda check: done.append("last"))
    go.set()
    assert worker.idle(10)
    assert done == ["last"]
    worker.submit(wrong)
    assert worker.idle(10)
    assert [str(error) for error in errors] == ["no use"]
    assert worker.close(10)
    assert Latest("never used", errors.append).close()
