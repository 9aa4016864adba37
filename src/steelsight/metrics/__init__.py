"""What masks and probabilities are worth: the competition's Dice, classification, intervals, and files of masks."""
