"""The watched folder: files once they are complete, in order of arrival, each inspected exactly once."""
