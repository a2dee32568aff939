"""A recorded run or study, made again and compared with its record."""
