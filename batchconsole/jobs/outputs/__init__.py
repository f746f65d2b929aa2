"""What a job leaves behind: results, pages of records, copies, sending records again, and comparing answers."""
