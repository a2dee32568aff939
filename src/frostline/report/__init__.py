"""Tables, figures and pages of the runs in any folders."""
