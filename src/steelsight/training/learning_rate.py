"""Learning rate by epoch: ramp, hold, exponential decay."""

from steelsight.recipe.model import Schedule


def learning_rate(schedule: Schedule, epoch: int) -> float:
    """Learning rate of epoch `epoch` (0-based within the phase; counted on from `first_epoch`).

    >>> plan = Schedule(start=1e-3, maximum=3e-3, minimum=1e-6, ramp=2, hold=4, decay=0.8)
    >>> [round(learning_rate(plan, epoch), 6) for epoch in (0, 1, 2, 6, 7)]
    [0.001, 0.002, 0.003, 0.003, 0.0024]
    """
    epoch += schedule.first_epoch
    if epoch < schedule.ramp:
        return schedule.start + (schedule.maximum - schedule.start) * epoch / schedule.ramp
    if epoch < schedule.ramp + schedule.hold:
        return schedule.maximum
    over = epoch - schedule.ramp - schedule.hold
    return (schedule.maximum - schedule.minimum) * schedule.decay**over + schedule.minimum
