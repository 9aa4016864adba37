"""The HTTP interface of the station, and the files of its page."""
