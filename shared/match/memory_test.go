package match

import (
	"context"
	"slices"
	"sync"

	"github.com/fielder-care/fielder/shared/care"
)

// memory keeps people, conversations and timelines for the tests of this
// package. The store's own suite holds the real one to the same contracts.
type memory struct {
	mu            sync.Mutex
	identities    map[[2]string]care.Identity
	customers     map[care.CustomerID]care.Customer
	conversations map[string]care.Conversation
	timeline      map[string]care.Interaction
	// calls counts calls by method.
	calls map[string]int
	// fail makes a method fail.
	fail map[string]error
	// between runs once, between Find and whatever follows it.
	between func()
}

func newMemory() *memory {
	return &memory{
		identities:    make(map[[2]string]care.Identity),
		customers:     make(map[care.CustomerID]care.Customer),
		conversations: make(map[string]care.Conversation),
		timeline:      make(map[string]care.Interaction),
		calls:         make(map[string]int),
		fail:          make(map[string]error),
	}
}

func (m *memory) enter(method string) (leave func(), err error) {
	m.mu.Lock()
	m.calls[method]++
	return m.mu.Unlock, m.fail[method]
}

func (m *memory) add(c care.Customer, identities ...care.Identity) {
	m.customers[c.ID] = c
	for _, i := range identities {
		i.Customer = c.ID
		m.identities[[2]string{i.Scheme, i.Value}] = i
	}
}

func (m *memory) Find(_ context.Context, keys ...care.Identity) ([]care.Identity, map[care.CustomerID]care.Customer, error) {
	leave, err := m.enter("Find")
	defer func() {
		if m.between != nil {
			m.between()
			m.between = nil
		}
		leave()
	}()
	if err != nil {
		return nil, nil, err
	}
	var found []care.Identity
	owners := make(map[care.CustomerID]care.Customer)
	for _, k := range keys {
		if i, ok := m.identities[[2]string{k.Scheme, k.Value}]; ok {
			found = append(found, i)
			if c, ok := m.customers[i.Customer]; ok {
				owners[c.ID] = c
			}
		}
	}
	return found, owners, nil
}

func (m *memory) Identities(_ context.Context, id care.CustomerID) ([]care.Identity, error) {
	leave, err := m.enter("Identities")
	defer leave()
	var list []care.Identity
	for _, i := range m.identities {
		if i.Customer == id {
			list = append(list, i)
		}
	}
	return list, err
}

func (m *memory) EnsureProspect(_ context.Context, identity care.Identity, prospect care.Customer) (care.Customer, bool, error) {
	leave, err := m.enter("EnsureProspect")
	defer leave()
	if err != nil {
		return care.Customer{}, false, err
	}
	if i, ok := m.identities[[2]string{identity.Scheme, identity.Value}]; ok {
		return m.customers[i.Customer], false, nil
	}
	m.add(prospect, identity)
	return prospect, true, nil
}

func (m *memory) LinkIdentity(_ context.Context, identity care.Identity, from care.CustomerID) error {
	leave, err := m.enter("LinkIdentity")
	defer leave()
	if err != nil {
		return err
	}
	if there := m.identities[[2]string{identity.Scheme, identity.Value}]; there.Customer != from && there.Customer != identity.Customer {
		return care.Errorf(care.Conflict, "it is %s's", there.Customer)
	}
	identity.Evidence = slices.Clone(identity.Evidence)
	m.identities[[2]string{identity.Scheme, identity.Value}] = identity
	return nil
}

func (m *memory) EnsureConversation(_ context.Context, key string, fresh care.Conversation) (care.Conversation, bool, error) {
	leave, err := m.enter("EnsureConversation")
	defer leave()
	if err != nil {
		return care.Conversation{}, false, err
	}
	if c, ok := m.conversations[key]; ok {
		return c, false, nil
	}
	fresh.ID, fresh.Version = care.ConversationID("con:"+key), 1
	m.conversations[key] = fresh
	return fresh, true, nil
}

func (m *memory) UpdateConversation(_ context.Context, id care.ConversationID, fn func(*care.Conversation) error) (care.Conversation, error) {
	leave, err := m.enter("UpdateConversation")
	defer leave()
	if err != nil {
		return care.Conversation{}, err
	}
	key := string(id[len("con:"):])
	c := m.conversations[key]
	if err := fn(&c); err != nil {
		return care.Conversation{}, err
	}
	c.Version++
	m.conversations[key] = c
	return c, nil
}

func (m *memory) PutInteraction(_ context.Context, i care.Interaction) error {
	leave, err := m.enter("PutInteraction")
	defer leave()
	if err == nil {
		m.timeline[i.ID] = i
	}
	return err
}
