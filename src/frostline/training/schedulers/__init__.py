"""Learning-rate schedules: functions of the progress of the run (0 to 1) that return a factor."""
