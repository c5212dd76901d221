#pragma once

#include <memory>

#include "training/optimizer.hpp"

namespace deepmoe {

/// The rule that option `optimizer` names, with its options:
///  - sgd: momentum, nesterov (without effect at momentum 0); Sutskever et al., ICML 2013
///  - adam: betas, eps; Kingma and Ba, ICLR 2015
///  - adamw: the same with decoupled weight decay; Loshchilov and Hutter, ICLR 2019
///  - adamax: betas, eps; Kingma and Ba, section 7.1
///  - rmsprop: alpha, eps, momentum; Tieleman and Hinton, Coursera lecture 6.5, 2012
///  - adagrad: eps, lr_decay; Duchi, Hazan and Singer, JMLR 2011
///  - adadelta: rho, eps; Zeiler, arXiv 1212.5701
/// The same arithmetic as torch.optim's.
std::unique_ptr<UpdateRule> make_update_rule(const Options& options);

}  // namespace deepmoe
