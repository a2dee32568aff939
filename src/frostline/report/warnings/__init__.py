"""What is missing among runs, or does not belong: each module names one kind of it, and makes nothing up."""
