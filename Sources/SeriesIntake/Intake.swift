// SeriesIntake
