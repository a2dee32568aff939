import sys

if not sys.flags.safe_path:
    sys.path.append(sys.path.pop(0))  # the working folder, where a file such as random.py must not replace Python's

from frostline.cli import main

if __name__ == "__main__":
    main()
