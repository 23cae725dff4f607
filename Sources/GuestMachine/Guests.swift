// GuestMachine
