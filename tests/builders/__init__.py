"""Form builders: what their forms send is read, whatever the fields are called."""
