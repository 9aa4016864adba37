"""Whether a node or a job is at fault is told from where else it fails."""

from steelsight.cluster.failed_jobs import FailedJobs

NODES = ["bad", "good", "also good"]


def test_a_node_where_jobs_fail_alone_comes_last() -> None:
    failed = FailedJobs()
    assert not failed.add("a", "bad", "on node bad: no weights")
    assert failed.avoided("b", NODES) == set()
    assert failed.avoided("a", NODES) == {"bad"}
    assert failed.add("b", "bad", "on node bad: no weights")
    assert failed.avoided("c", NODES) == {"bad"}
    assert failed.avoided("c", ["bad"]) == set()  # better than none
    failed.done("bad")
    assert failed.avoided("c", NODES) == set()


def test_a_job_that_fails_on_two_nodes_is_at_fault_itself() -> None:
    failed = FailedJobs()
    failed.add("a", "good", "on node good: no number")
    failed.add("a", "also good", "on node also good: no number")
    failed.add("b", "good", "on node good: no number")
    assert failed.avoided("c", NODES) == set()
    assert failed.why("a") == "on node good: no number, and on node also good: no number"


def test_what_is_tried_once_more_goes_where_nothing_has_failed() -> None:
    failed = FailedJobs()
    failed.add("a", "bad", "on node bad: no weights")
    failed.add("b", "good", "on node good: no weights")
    assert failed.avoided("a", NODES) == {"bad", "good"}
