"""What bench/fuzz.py is made of: valid files, ways to damage them, the readers' doors, and a process that tries them."""
