"""The exported inspector: its artifact, the engines that run it, and the class a program opens it with."""
